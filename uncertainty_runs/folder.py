"""The folder of a run: whose it is, and what stands in it."""

import json
import pathlib
import zlib

from mimo_keras.errors import expected
from mimo_keras.files import write_json
from uncertainty_runs.settings import FREE


def claim(settings, write=True):
    """Takes --output_dir for this run, or goes on with the run in it.

    Args:
        settings: The value of every flag.
        write: Whether this process writes; of several workers one does.

    Returns:
        pathlib.Path of the folder, in which flags.json now stands.

    Raises:
        InputError: The folder holds a run with other flags, cannot be
            written, or holds no run although only evaluation is asked for.
    """
    folder = pathlib.Path(settings["output_dir"])
    record = folder / "flags.json"
    if record.exists():
        _compare(_read(record), settings, folder)
    elif settings["eval_only"]:
        raise expected(
            "a trained run in --output_dir",
            f"output_dir={folder} without flags.json",
            "Train first, or name the folder of a run.",
        )
    try:
        if write:
            write_json(record, settings)
    except OSError as error:
        raise expected(
            "an --output_dir that can be written",
            f"output_dir={folder} ({error.strerror})",
            "Choose another folder.",
        ) from error
    return folder


def fingerprint(settings):
    """Returns a whole number of the flags that a run's weights depend on."""
    kept = {k: v for k, v in settings.items() if k not in FREE}
    return zlib.crc32(json.dumps(kept, sort_keys=True).encode())


def _read(record):
    try:
        found = json.loads(record.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"a {type(found).__name__}")
        return found
    except (OSError, ValueError) as error:
        raise expected(
            f"the flags of a run in {record}",
            f"a file that is no JSON object ({error})",
            "Choose another --output_dir.",
        ) from error


def _compare(before, now, folder):
    differing = [
        f"--{name}={json.dumps(now.get(name))} (was "
        f"{json.dumps(before.get(name))})"
        for name in sorted({*before, *now} - {*FREE})
        if before.get(name) != now.get(name)
    ]
    if differing:
        raise expected(
            f"the flags that {folder} was used with",
            ", ".join(differing),
            "Give the same flags to go on, or choose another --output_dir.",
        )
