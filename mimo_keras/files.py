"""Writes files atomically, and reads them without trusting their content.

JSON and arrays are read and written only here. Every path may be on one of
TensorFlow's file systems (`mimo_keras.paths`).
"""

import contextlib
import errno
import hashlib
import json
import os
import struct
import tempfile

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.paths import UNFINISHED, as_path, is_remote
from mimo_keras.untrusted import ReadError, regular, unpackable

# Errors of a full or read-only disk.
_NAMES = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO")
# Their texts: TensorFlow's errors have no errno, but contain these words.
_REFUSED = [
    os.strerror(getattr(errno, name)) for name in _NAMES if hasattr(errno, name)
]

_RECORD = "record"
_MOST = 2**28
"""Largest size of a text or JSON file in bytes."""
# An archive ends with a record of this form, whose last field is the length of
# the comment after it. Ours is the digest of all bytes before the comment.
_END = struct.Struct("<4s16xH")
_END_MARK = b"PK\5\6"
_DIGEST_MARK = b"sha256 "
_MOST_NESTED = 50
"""Levels of JSON; what is nested deeper could be read, but not written."""


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
        # An error of TensorFlow; of its other file systems, any may come.
        if hasattr(error, "error_code") and is_remote(as_path(path)):
            reasons.append(" ".join(error.message.split()))
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
    path = target(as_path(path))
    encoding = None if "b" in mode else "utf-8"
    with writing(path), _temporary(path) as (handle, temporary):
        with os.fdopen(handle, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if is_remote(path):
            path.write_from(temporary)
        else:
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)


@contextlib.contextmanager
def _temporary(path):
    """Yields (handle, name) of a file next to `path`, or of any local one."""
    _check_regular(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(**beside(path))
    try:
        yield handle, temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _check_regular(path):
    """Raises OSError for what is neither a file nor missing, like /dev/null."""
    if path.exists() and not path.is_file():
        number = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(number, os.strerror(number), str(path))


def target(path):
    """Returns what is written instead of a path: where it links to."""
    link = not is_remote(path) and path.is_symlink()
    return path.resolve() if link else path


def beside(path):
    """Returns arguments of `tempfile`: for what becomes `path`, next to it.

    What becomes a remote path is first written to any local folder.
    """
    folder = None if is_remote(path) else path.parent
    return {"dir": folder, "prefix": f".{path.name}.", "suffix": UNFINISHED}


def write_json(path, value):
    """Writes `value` to `path` as indented JSON, atomically."""
    with replacing(path) as file:
        json.dump(value, file, indent=2, sort_keys=True)
        file.write("\n")


def write_array(path, array):
    """Writes one array as a .npy file, without pickled objects.

    Raises:
        WriteError: The disk is full or not writable.
    """
    with replacing(path, "wb") as file:
        np.save(file, array, allow_pickle=False)


def read_text(path):
    """Returns the content of a UTF-8 text file.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It cannot be read, is not UTF-8, or is no regular file.
    """
    with _reading(path, _MOST) as file:
        return file.read().decode("utf-8")


def json_values(value):
    """Returns JSON-compatible values as they are once written and read."""
    return json.loads(json.dumps(value))


def read_json(path):
    """Returns the object in a JSON file as a dict.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It cannot be read, is not JSON, or contains no object.
    """
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(str(error)) from None
    if not isinstance(content, dict):
        raise ReadError(f"a {type(content).__name__}, not an object")
    if _depth(content) > _MOST_NESTED:
        raise ReadError(f"nested more than {_MOST_NESTED} deep")
    return content


def _depth(value):
    """Returns how deep the lists and dictionaries of a value are nested."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, list | dict)]:
        depth += 1
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def write_arrays(path, arrays, *, record=None, compressed=False):
    """Writes arrays to an .npz file, atomically, with a digest of all bytes.

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
    with replacing(path, "w+b") as file:
        save(file, **arrays)
        _add_digest(file)


def _add_digest(file):
    """Appends the digest of an archive to it, as its comment."""
    size = len(_DIGEST_MARK) + 2 * hashlib.sha256().digest_size
    file.seek(-2, os.SEEK_END)
    file.write(struct.pack("<H", size))
    digest = _digest(file, file.seek(0, os.SEEK_END))
    file.seek(0, os.SEEK_END)
    file.write(_DIGEST_MARK + digest)


def _digest(file, count):
    """Returns the digest of the first bytes of a file."""
    digest = hashlib.sha256()
    file.seek(0)
    while count > 0:
        part = file.read(min(count, 1 << 20))
        digest.update(part)
        count -= len(part) or count
    return digest.hexdigest().encode()


def _check_digest(file):
    """Raises ReadError unless an archive is as written.

    Archives of older versions, which end without a comment, have no digest.
    """
    size = file.seek(0, os.SEEK_END)
    comment = len(_DIGEST_MARK) + 2 * hashlib.sha256().digest_size
    file.seek(max(size - _END.size, 0))
    end = file.read()
    if len(end) == _END.size and _END.unpack(end) == (_END_MARK, 0):
        return
    file.seek(max(size - comment, 0))
    found = file.read()
    wanted = _DIGEST_MARK + _digest(file, size - comment)
    if found != wanted:
        raise ReadError("its content is not what was written")


def read_arrays(path):
    """Returns the arrays of an .npz file, without running pickled code.

    Returns:
        Dictionary from name to array.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is damaged, contains pickled objects, or is no archive.
    """
    with _reading(path) as file:
        _check_digest(file)
        file.seek(0)
        with np.load(unpackable(file), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


@contextlib.contextmanager
def _reading(path, most=None):
    """Yields an open regular file; whatever fails with it is a `ReadError`."""
    path = as_path(path)
    try:
        with regular(path, most).open("rb") as file:
            yield file
    except (FileNotFoundError, ReadError):
        raise
    except Exception as error:  # Damaged content can raise anything.
        if is_remote(path) and _does_not_answer(error):
            raise  # The file may be good.
        raise ReadError(str(error) or type(error).__name__) from None


def _does_not_answer(error):
    """Returns whether an error is of a file system, not of a file."""
    if not isinstance(error, OSError) or isinstance(error, IsADirectoryError):
        return False
    return error.filename is not None


def pop_record(arrays):
    """Removes and returns the record that `write_arrays` stored.

    Args:
        arrays: Dictionary from `read_arrays`, changed in place.

    Raises:
        ReadError: There is none, or it is not JSON.
    """
    try:
        return json.loads(arrays.pop(_RECORD).tobytes())
    except (KeyError, ValueError, RecursionError) as error:
        raise ReadError(f"no record ({error})") from None


def read_array(path):
    """Maps an .npy file into memory, without running pickled code.

    Returns:
        Its array, of which only the parts used are read if it is local.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is damaged, contains pickled objects, or is an archive.
    """
    with _reading(path) as file:
        source, mode = (file, None) if is_remote(as_path(path)) else (path, "r")
        array = np.load(source, mmap_mode=mode, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ReadError("it is an archive")
    return array
