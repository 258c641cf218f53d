"""Writes files atomically, and reads them without trusting their content.

JSON and arrays are read and written only here.
"""

import contextlib
import errno
import json
import os
import pathlib
import tempfile
import zipfile

import numpy as np

from mimo_keras.errors import expected

# Errors of a full or read-only disk.
_NAMES = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO")
# Their texts: TensorFlow's errors have no errno, but contain these words.
_REFUSED = [
    os.strerror(getattr(errno, name)) for name in _NAMES if hasattr(errno, name)
]

# What NumPy raises for an empty file, half an archive, pickles or a bare array.
_UNREADABLE = (EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile)

_RECORD = "record"


class ReadError(ValueError):
    """A file is damaged or has unexpected content; the message says what."""


class WriteError(OSError):
    """A file could not be written; its previous content is unchanged."""

    def __str__(self):
        reason = f" ({self.strerror})" if self.strerror else ""
        return str(
            expected(
                "free disk space and permission to write",
                f"{self.filename}{reason}",
                "Fix this and run the same command again: files already "
                "written are kept.",
            )
        )


@contextlib.contextmanager
def writing(path):
    """Reports in one line whatever cannot be written inside the block.

    Args:
        path: The file or folder being written, for the message.

    Raises:
        WriteError: The disk is full or not writable.
    """
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(error.errno, reason, os.fspath(path)) from error
    except Exception as error:
        reasons = [words for words in _REFUSED if words in str(error)]
        if not reasons:
            raise
        raise WriteError(None, reasons[0], os.fspath(path)) from error


@contextlib.contextmanager
def replacing(path, mode="w"):
    """Opens a temporary file that is renamed to `path` on success.

    The file is flushed to disk before it is renamed, so that a crash at any
    moment leaves either the old content or the new, never a mixture.

    Args:
        path: The file to write. Missing folders are created.
        mode: "w" for text (UTF-8) or "wb" for bytes.

    Yields:
        The open temporary file, in the same folder as `path`.

    Raises:
        WriteError: The disk is full or not writable.
    """
    path = pathlib.Path(path)
    with writing(path), _temporary(path) as (handle, temporary):
        encoding = None if "b" in mode else "utf-8"
        with os.fdopen(handle, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)


@contextlib.contextmanager
def _temporary(path):
    """Yields (handle, name) of a file next to `path`, removed on error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
    )
    try:
        yield handle, temporary
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def write_json(path, value):
    """Writes `value` to `path` as indented JSON, atomically."""
    with replacing(path) as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")


def read_json(path):
    """Returns the object in a JSON file as a dict.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It cannot be read, is not JSON, or contains no object.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise ReadError(str(error)) from None
    if not isinstance(content, dict):
        raise ReadError(f"a {type(content).__name__}, not an object")
    return content


def write_arrays(path, arrays, *, record=None, compressed=False):
    """Writes arrays to an .npz file, atomically.

    Args:
        path: The file.
        arrays: Dictionary from name to array.
        record: JSON-compatible metadata for `pop_record`; None for none.
        compressed: Whether to compress the file, which takes time.
    """
    if record is not None:
        text = json.dumps(record)
        arrays = {**arrays, _RECORD: np.frombuffer(text.encode(), np.uint8)}
    save = np.savez_compressed if compressed else np.savez
    with replacing(path, "wb") as file:
        save(file, **arrays)


def read_arrays(path):
    """Returns the arrays of an .npz file, without running pickled code.

    Returns:
        Dictionary from name to array.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is damaged, contains pickled objects, or is no archive.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise ReadError(str(error)) from None


def pop_record(arrays):
    """Removes and returns the record that `write_arrays` stored.

    Args:
        arrays: Dictionary from `read_arrays`, changed in place.

    Raises:
        ReadError: There is none, or it is not JSON.
    """
    try:
        return json.loads(arrays.pop(_RECORD).tobytes())
    except (KeyError, ValueError) as error:
        raise ReadError(f"no record ({error})") from None


def read_array(path):
    """Maps an .npy file into memory, without running pickled code.

    Returns:
        Its array, of which only the parts used are read.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is damaged, contains pickled objects, or is an archive.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise ReadError(str(error)) from None
    if not isinstance(array, np.ndarray):
        raise ReadError("it is an archive")
    return array


@contextlib.contextmanager
def replacing_folder(path):
    """Yields a temporary path that is renamed to `path` on success.

    Args:
        path: The folder (or file) to write. An existing one is removed once
            the new one is complete.

    Yields:
        A path next to it to write to, which does not exist yet.

    Raises:
        WriteError: The disk is full or not writable.
    """
    path = pathlib.Path(path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(writing(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = stack.enter_context(
            tempfile.TemporaryDirectory(
                dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
            )
        )
        # Some exporters choose the file format by the suffix.
        temporary = pathlib.Path(beside, path.name)
        yield str(temporary)
        if path.exists():
            os.rename(path, pathlib.Path(beside, "before"))
        os.rename(temporary, path)
