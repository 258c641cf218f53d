"""Writing files so that a reader never sees half of one."""

import contextlib
import errno
import json
import os
import pathlib
import tempfile

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
