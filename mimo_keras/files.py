"""Files: written so that a reader never sees half of one, read without trust.

JSON and arrays are read and written here only.
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

# What a disk answers that is full, or takes nothing; TensorFlow's own errors
# have no number, but say it in these words.
_REFUSED = [
    os.strerror(getattr(errno, name))
    for name in (
        *("ENOSPC", "EDQUOT", "EFBIG"),
        *("EROFS", "EACCES", "EPERM", "EIO"),
    )
    if hasattr(errno, name)
]

# NumPy's answers to an empty file, half an archive, pickles, and a lone array.
_UNREADABLE = (EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile)

_RECORD = "record"


class ReadError(ValueError):
    """A file is damaged, or holds something else; the message says what."""


class WriteError(OSError):
    """A file could not be written; what stood there before still does."""

    def __str__(self):
        reason = f" ({self.strerror})" if self.strerror else ""
        return str(
            expected(
                "room for files, and leave to write them",
                f"{self.filename}{reason}",
                "Mend that and run the same command again: what was written "
                "before is kept.",
            )
        )


@contextlib.contextmanager
def writing(path):
    """Tells in one line what cannot be written inside the block.

    Args:
        path: The file or folder that is written, for the message.

    Raises:
        WriteError: The disk is full, or may not be written.
    """
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(error.errno, reason, os.fspath(path)) from error
    except Exception as error:
        found = [words for words in _REFUSED if words in str(error)]
        if not found:
            raise
        raise WriteError(None, found[0], os.fspath(path)) from error


@contextlib.contextmanager
def replacing(path, mode="w"):
    """Opens a temporary file that takes the name `path` when all went well.

    The file is flushed to the disk before it is renamed, so that a crash at
    any moment leaves either the old content or the new, never a mixture.

    Args:
        path: Where the content shall stand. Missing folders are made.
        mode: "w" for text (UTF-8) or "wb" for bytes.

    Yields:
        The open temporary file, which lies in the folder of `path`.

    Raises:
        WriteError: The disk is full, or may not be written.
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
    """Gives (handle, name) of a file beside, removed if there is an error."""
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
    """Writes `value` to `path` as indented JSON, whole or not at all."""
    with replacing(path) as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")


def read_json(path):
    """Returns the object in a JSON file as a dict.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It cannot be read, is not JSON, or holds no object.
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
    """Writes arrays to an .npz file, whole or not at all.

    Args:
        path: The file.
        arrays: Dictionary from name to array.
        record: What belongs to them, as JSON can hold it, for `pop_record`;
            None for nothing.
        compressed: Whether to make the file smaller, which takes time.
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
        ReadError: It is damaged, holds pickled objects, or is no archive.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise ReadError(str(error)) from None


def pop_record(arrays):
    """Takes the record of `write_arrays` out of what `read_arrays` returned.

    Raises:
        ReadError: There is none, or it is no JSON.
    """
    try:
        return json.loads(arrays.pop(_RECORD).tobytes())
    except (KeyError, ValueError) as error:
        raise ReadError(f"no record ({error})") from None


def read_array(path):
    """Maps an .npy file into memory, without running anything in it.

    Returns:
        Its array, of which only what is used is read.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is damaged, holds pickled objects, or is an archive.
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
    """Gives a temporary path that takes the name `path` when all went well.

    Args:
        path: Where the folder (or file) shall stand. One that is there
            already is removed after the new one is whole.

    Yields:
        A path beside it, not yet existing, to write to.

    Raises:
        WriteError: The disk is full, or may not be written.
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
        # Some exporters choose the file format by the ending.
        temporary = pathlib.Path(beside, path.name)
        yield str(temporary)
        if path.exists():
            os.rename(path, pathlib.Path(beside, "before"))
        os.rename(temporary, path)
