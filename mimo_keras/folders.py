"""Replaces and removes folders, and nothing in them that is not ours."""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import sys
import tempfile

from mimo_keras.errors import expected
from mimo_keras.files import beside, target, writing
from mimo_keras.paths import UNFINISHED, as_path, files_below, is_remote

# What is being replaced while the new one gets its name, where the two cannot
# be exchanged at once.
_BEFORE = "before"

# Of Linux's fcntl.h: relative paths start at the working directory.
_HERE = -100
_RENAME_EXCHANGE = 2

# Names of what versions before `UNFINISHED` left unfinished.
_OLDER = (
    r"(?:flags|results)\.json|metrics\.csv|arrays\.npz|report\.html|"
    r"trajectory\.npz|saved_model|ensemble\.keras|"
    r"epoch_\d{6,}(?:_step_\d{6,})?\.npz"
)
_UNFINISHED = re.compile(
    rf"\.(?P<name>.+)\.[a-z0-9_]{{8}}{re.escape(UNFINISHED)}"
)
_UNFINISHED_BEFORE = re.compile(rf"\.(?P<name>{_OLDER})\.[a-z0-9_]{{8}}\.tmp")


@contextlib.contextmanager
def replacing_folder(path, ours):
    """Yields a temporary path that is renamed to `path` on success.

    On other file systems than the local one, which cannot rename folders at
    once, the new files are copied one by one, in the order of their names,
    once the old ones are removed in the opposite order. `ours` should
    recognize what a kill leaves of either.

    Args:
        path: The folder (or file) to write. An existing one is removed once
            the new one is complete.
        ours: Function from the path object of an existing file or folder to
            whether it may be removed; for a folder, with all that is in it.

    Yields:
        A local path to write to, which does not exist yet.

    Raises:
        InputError: There is something at `path` that is not ours.
        WriteError: The disk is full or not writable.
    """
    path = target(as_path(path))
    with contextlib.ExitStack() as stack:
        stack.enter_context(writing(path))
        check_ours(path, ours)
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(**beside(path))
        )
        # Some exporters choose the file format by the suffix.
        temporary = pathlib.Path(folder, path.name)
        yield str(temporary)
        check_ours(path, ours)
        if is_remote(path):
            _upload(temporary, path)
        else:
            _swap(temporary, path, pathlib.Path(folder, _BEFORE))


def check_ours(path, ours):
    """Raises InputError if `replacing_folder` would refuse a path object."""
    if not path.exists() or ours(path):
        return
    names = files_below(path) if path.is_dir() else [path.name]
    if names:
        raise expected(
            "a free path, or an earlier export of this library alone",
            f"path={path}, which holds {', '.join(names[:3])}"
            + (f" and {len(names) - 3} more files" if names[3:] else ""),
            "Nothing was changed: choose another path, or move it away.",
        )


def _swap(temporary, path, before):
    """Puts a complete local file or folder in another's place."""
    replaced = path.exists()
    if replaced and _exchange(temporary, path):
        return
    if replaced:
        os.rename(path, before)
    try:
        os.rename(temporary, path)
    except OSError:
        if replaced:
            os.rename(before, path)
        raise


def _exchange(one, other):
    """Exchanges two local files or folders at once.

    Returns:
        Whether the operating system and the file system can do that.
    """
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    paths = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
    return rename(*paths, ctypes.c_uint(_RENAME_EXCHANGE)) == 0


def _upload(temporary, path):
    """Copies a local file or folder to a remote path."""
    remove_tree(path)
    if temporary.is_file():
        path.write_from(temporary)
        return
    for name in files_below(temporary):
        (path / name).write_from(temporary / name)


def remove_tree(folder):
    """Removes a folder with its content; a missing one is fine."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.is_dir():
        for name in reversed(files_below(folder)):
            (folder / name).unlink(missing_ok=True)
        folder.rmtree()


def unfinished(name):
    """Returns what a killed process of ours was writing under a name.

    Args:
        name: Name of a file or folder.

    Returns:
        The name that it would have got; None if it is not ours.
    """
    found = _UNFINISHED.fullmatch(name) or _UNFINISHED_BEFORE.fullmatch(name)
    return found and found["name"]


def remove_unfinished(folder):
    """Removes what killed processes of ours were writing to a folder.

    Foreign hidden files stay. What was complete gets its name.

    Args:
        folder: Path object of the folder. No other process may be writing.
    """
    for path in [*folder.glob(".*.tmp")]:
        name = unfinished(path.name)
        if name is None:
            continue
        with contextlib.suppress(OSError):
            if not path.is_dir():
                path.unlink()
                continue
            if (path / _BEFORE).exists() and not (folder / name).exists():
                os.rename(path / name, folder / name)
            remove_tree(path)
