"""The records of studies: JSON files of the numbers of runs, which only grow.

No study replaces a file that is not its own: neither another study's record,
nor one of other settings, nor any other JSON or picture.
"""

import contextlib
import os
import re

from absl import flags

from mimo_keras import files
from mimo_keras.analysis.style import is_figure
from mimo_keras.errors import InputError, expected
from mimo_keras.paths import as_path

_SCRIPTS = {"diversity": "analyze.py"}
"""Kind of record -> the script that writes it, if that has another name."""
RUN = ("method", "ensemble_size", "seed")
"""The fields that identify a run in a record."""
_NOT_FACTS = ("kind", "runs", "order", "command", "python", "keras")
"""The fields of a record that may differ between commands that add to it."""


def opened(path, kind, facts=None):
    """Returns the record in a file to add runs to, or an empty one.

    Args:
        path: The file.
        kind: What it is a record of, such as "sweep".
        facts: Flag -> its value, which is the same for all runs of a record.

    Raises:
        InputError: The file is no such record.
    """
    facts = facts or {}
    made = {"kind": kind, **facts, "runs": []}
    if not as_path(path).exists():
        return made
    try:
        record = files.read_json(path)
    except files.ReadError as error:
        raise _foreign(path, kind, error) from None
    if not _is_record(record, kind):
        raise _foreign(path, kind, "another file")
    for name, value in facts.items():
        before = fact(record, name)
        if before != value:
            raise _foreign(path, kind, f"one of {name}={before}")
    return record | made | {"runs": record["runs"]}


def _is_record(record, kind):
    runs = record.get("runs")
    if not isinstance(runs, list) or not all(isinstance(r, dict) for r in runs):
        return False
    if "kind" in record:
        return record["kind"] == kind
    # Records of older versions have only the command that made them.
    script = _SCRIPTS.get(kind, f"{kind}.py")
    words = str(record.get("command", "")).split()[:2]
    return script in map(os.path.basename, words)


def fact(record, name, default=None):
    """Returns a flag of a record; older versions have only the command.

    Args:
        record: The record.
        name: The flag.
        default: Its value if the command lacks it; None for the default of the
            running script.
    """
    if name in record:
        return record[name]
    given = re.search(rf" --{name}[= ](\S+)", str(record.get("command")))
    if given:
        return given[1]
    known = name in flags.FLAGS and default is None
    return flags.FLAGS[name].default if known else default


def _foreign(path, kind, what):
    return expected(
        f"a --record of {kind}.py with these settings, or a new file"
        if kind not in _SCRIPTS
        else f"a --record of {kind}, or a new file",
        f"record={path} ({what})",
        "Choose another name, or delete the file.",
    )


def add(record, run, key=RUN):
    """Adds a run to a record, in place of an earlier one with the same key."""
    runs = record["runs"]
    for index, other in enumerate(runs):
        if all(other.get(name) == run[name] for name in key):
            runs[index] = run
            return
    runs.append(run)


def merge(record, path):
    """Adds the runs that another command has written to a file meanwhile.

    Args:
        record: Record from `opened`; its own runs stay.
        path: Its file.

    Raises:
        InputError: The file is now a record of other settings.
    """
    facts = {k: v for k, v in record.items() if k not in _NOT_FACTS}
    written = opened(path, record["kind"], facts)["runs"]
    own = {_key(run) for run in record["runs"]}
    record["runs"] += [run for run in written if _key(run) not in own]


def _key(run):
    return tuple(run.get(name) for name in RUN)


@contextlib.contextmanager
def checked(path, name="record"):
    """Reports a record that lacks what a table or figure needs in one line.

    Args:
        path: Its file.
        name: The flag that names it.
    """
    try:
        yield
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise expected(
            "a record of this script",
            f"{name}={path} ({type(error).__name__}: {error})",
            "Choose another name, or delete the file to make a new one.",
        ) from error


def read(path, name="record", remedy="Leave out --table_only to make one."):
    """Returns the record of a study.

    Args:
        path: Its file.
        name: The flag that names it.
        remedy: What to do if it is missing or damaged.
    """
    try:
        return files.read_json(path)
    except (FileNotFoundError, files.ReadError) as error:
        raise expected(
            "a record of a study",
            f"{name}={path} ({error})",
            remedy,
        ) from error


def check_is_file(path, name):
    """Raises InputError if a path to write a file to is that of a folder.

    Args:
        path: The file's path.
        name: The flag that names it.
    """
    path = as_path(path)
    if not path.name or path.is_dir():
        raise expected(
            f"the name of a file for --{name}",
            f"{name}={path}, a folder",
            "Add a name.",
        )


def check_figure(path, record=None, name="figure"):
    """Raises InputError if a picture would replace what is no figure of ours.

    Args:
        path: The picture's file.
        record: The record's; None if there is none.
        name: The flag that names the picture.
    """
    check_is_file(path, name)
    path = as_path(path)
    if record is not None and _same(path, record):
        raise expected(
            f"two names for --record and --{name}",
            f"record={record}, {name}={path}",
            f"Change --{name}.",
        )
    if path.is_file() and not is_figure(path.read_bytes()):
        raise expected(
            f"a --{name} drawn by these scripts, or a new file",
            f"{name}={path}, another file",
            "Choose another name, or delete the file.",
        )


def beside(path, suffix, record):
    """Returns the file of a figure's numbers: next to it, not the record."""
    path = as_path(path)
    numbers = path.with_suffix(suffix)
    if _same(numbers, record):
        numbers = path.with_name(f"{path.stem}_figure{suffix}")
    return numbers


def _same(one, other):
    return os.path.realpath(str(one)) == os.path.realpath(str(other))
