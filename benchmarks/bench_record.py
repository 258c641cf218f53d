"""The record of a benchmark: its finished rows, and where they were timed."""

import os
import pathlib
import platform
import sys

import keras

from benchmarks import turns
from mimo_keras.errors import expected
from mimo_keras.files import write_json
from mimo_keras.paths import as_path
from uncertainty_runs.studies import records


class Record:
    """The finished rows, by name; each is written as soon as it is finished.

    Args:
        path: JSON file.
        facts: Conditions that the results depend on.

    Raises:
        InputError: The file has results under other conditions.
    """

    def __init__(self, path, facts):
        self.path = as_path(path, "record")
        self.content = {"commands": [], "facts": facts, "rows": {}}
        if self.path.exists():
            self.content = records.read(self.path)
            before = self.content.get("facts")
            if not isinstance(before, dict):
                raise expected(
                    "a --record of bench.py, or a new file",
                    f"record={path} (another file)",
                    "Choose another --record.",
                )
            if before != facts:
                raise expected(
                    f"results of this machine and its versions in {path}",
                    ", ".join(f"{k}={v}" for k, v in before.items()),
                    "Choose another --record.",
                )

    def has(self, section, name):
        rows = self.content["rows"].get(section, [])
        return any(row["name"] == name for row in rows)

    def add(self, section, name, row):
        """Adds a row, a dictionary of measurements."""
        rows = self.content["rows"].setdefault(section, [])
        rows.append({"name": name} | row)
        command = " ".join(["python -m benchmarks.bench", *sys.argv[1:]])
        if command not in self.content["commands"]:
            self.content["commands"].append(command)
        write_json(self.path, self.content)


def facts(f):
    """Returns the machine and the versions, as saved in a record."""
    processor = platform.processor()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        processor = names[0] if names else processor
    return {
        "machine": f"{os.cpu_count()} cores, {processor}",
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backbone": f.backbone,
        **turns.versions(),
    }
