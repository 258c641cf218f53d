"""The folder of a run: its owner and its contents."""

import contextlib
import fcntl
import json
import os
import re
import zlib

from mimo_keras.errors import expected
from mimo_keras.export import is_export
from mimo_keras.files import ReadError, read_json, write_json
from mimo_keras.folders import check_ours, remove_unfinished
from mimo_keras.paths import as_path, is_remote
from mimo_keras.training.checkpoints import Checkpoints
from uncertainty_runs.common import saved_values
from uncertainty_runs.common.config import FREE, RunConfig, with_defaults

_LOCK = ".lock"
RESULTS = (
    "arrays.npz",
    "metrics.csv",
    "report.html",
    "results.json",
    "trajectory.npz",
)
"""What a run writes besides flags.json and its checkpoints."""


@contextlib.contextmanager
def alone(folder, write=True):
    """Keeps other processes out of a folder that this one writes to.

    What killed processes of ours left unfinished is removed. The lock on a file
    in the folder is released when the process ends, in whatever way. On file
    systems without locks, such as those of `RemotePath`, other processes are
    not kept out, and nothing is removed.

    Args:
        folder: Its path. It is created, and removed if it stays empty.
        write: Whether this process writes; if not, nothing is done.

    Yields:
        None.

    Raises:
        InputError: Another process or program is using the folder.
    """
    folder = as_path(folder)
    made = write and not folder.exists()
    held = _lock(folder) if write else None
    try:
        if held is not None:
            remove_unfinished(folder)
        yield
    finally:
        if held is not None:
            # Unlink first: whoever opens the file now finds it still locked.
            with contextlib.suppress(OSError):
                os.unlink(folder / _LOCK)
            os.close(held)
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _lock(folder):
    """Locks a folder; returns the file handle, or None without locks."""
    path = folder / _LOCK
    handle = None
    if is_remote(folder):
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while handle is None:
            options = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            handle = os.open(path, options, 0o644)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _same_file(path, handle):
                # The previous owner has just unlinked the file we locked.
                os.close(handle)
                handle = None
        if not re.fullmatch(rb"\d*", os.pread(handle, 64, 0)):
            os.close(handle)
            raise expected(
                "an --output_dir without the lock of another program",
                f"output_dir={folder} with {_LOCK}",
                "Remove that file, or choose another folder.",
            )
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        pid = os.pread(handle, 20, 0).decode("ascii", "replace")
        os.close(handle)
        raise expected(
            "an --output_dir that no other process is using",
            f"output_dir={folder}, process {pid or 'unknown'}",
            "Wait for it, stop it, or choose another folder.",
        ) from None
    except OSError:
        # A folder that is not writable is reported at the first write.
        if handle is not None:
            os.close(handle)
        return None
    return handle


def _same_file(path, handle):
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def claim(config, write=True):
    """Claims --output_dir for this run, or resumes the run in it.

    Args:
        config: `RunConfig`.
        write: Whether this process writes; only one of several workers does.

    Returns:
        The folder's path object, which now contains flags.json.

    Raises:
        InputError: The folder contains a run with other flags or files that
            no run wrote, is not writable, or contains no run to evaluate with
            --eval_only.
    """
    folder = check(config)
    try:
        if write:
            write_json(folder / "flags.json", config.to_json())
    except OSError as error:
        raise expected(
            "a writable --output_dir",
            f"output_dir={folder} ({error.strerror})",
            "Choose another folder.",
        ) from error
    return folder


def check(config):
    """Returns the folder if it is this run's or unused; raises as `claim`."""
    folder = as_path(config.output_dir, "output_dir")
    record = folder / "flags.json"
    if record.exists():
        before = _read(record)
        saved_values.check(RunConfig, before, record)
        _compare(with_defaults(before), config.to_json(), folder)
    elif config.eval_only:
        raise expected(
            "a trained run in --output_dir",
            f"output_dir={folder} without flags.json",
            "Train first, or name the folder of a trained run.",
        )
    else:
        _check_unused(folder)
    if config.export:
        check_ours(folder / "saved_model", is_export)
    return folder


def _check_unused(folder):
    """Raises InputError if a run would replace files that no run wrote.

    The folder of a run whose flags.json is lost has its checkpoints.
    """
    there = [name for name in RESULTS if (folder / name).exists()]
    if there and not Checkpoints(folder / "checkpoints").paths():
        raise expected(
            "an --output_dir that is new or has a run",
            f"output_dir={folder}, {there[0]} in it, but no flags.json",
            "Choose another folder.",
        )


def fingerprint(values):
    """Returns a checksum of the flags that a run's weights depend on.

    Args:
        values: The value of every flag, by name.
    """
    kept = {k: v for k, v in values.items() if k not in FREE}
    return zlib.crc32(json.dumps(kept, sort_keys=True).encode())


def _read(record):
    try:
        return read_json(record)
    except (FileNotFoundError, ReadError) as error:
        raise expected(
            f"the flags of a run in {record}",
            f"a file without a JSON object ({error})",
            "Delete the file, and give the run's own flags to resume it; or "
            "choose another --output_dir.",
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
            f"the flags that {folder} was created with",
            ", ".join(differing),
            "Give the same flags to resume, or choose another --output_dir.",
        )
