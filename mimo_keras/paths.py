"""Paths on this machine, and on the file systems that TensorFlow knows.

`gs://bucket/run` names a bucket, not a local folder called "gs:". Every path
that a user gives is turned into a path object here, once.
"""

import contextlib
import errno
import fnmatch
import io
import os
import pathlib
import re
import shutil
import types

from mimo_keras.errors import expected

# Two letters at least: "C:/" is a drive. One slash, too: pathlib turns
# "gs://a" into "gs:/a".
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")

UNFINISHED = ".mimo_keras.tmp"
"""Suffix of files and folders that are being written."""


def as_path(path, name="path"):
    """Returns what a user gave as a path object.

    Args:
        path: str, bytes or os.PathLike. "~" stands for the home folder, and a
            scheme (`gs://bucket/run`) for a file system of TensorFlow.
        name: Name of the argument, for messages.

    Returns:
        `pathlib.Path`, or `RemotePath` if there is a scheme besides `file://`.

    Raises:
        InputError: It is no path, or TensorFlow has no such file system here.

    Example:
        >>> from mimo_keras.paths import as_path
        >>> str(as_path("ram://models") / "a.npz")
        'ram://models/a.npz'
    """
    try:
        text = os.fsdecode(path)
    except TypeError:
        received = f"{name} of type {type(path).__name__}"
        raise expected("a path", received, "Give a str.") from None
    found = _SCHEME.match(text)
    # Bytes that are not UTF-8 may name a local file; they become surrogates.
    if "\0" in text or (found and re.search("[\ud800-\udfff]", text)):
        raise expected(
            "a path of whole characters, none of them NUL",
            f"{name}={ascii(text)}",
            "Change it.",
        )
    if found is None:
        return _local(text, name)
    if found[1] == "file":
        return _of_file(text, name)
    if found[1] not in _schemes():
        raise expected(
            "a local path, or one on a file system that TensorFlow has here ("
            + ", ".join(f"{scheme}://" for scheme in _schemes())
            + ")",
            f"{name}={text}",
            "Choose another path, or install TensorFlow's plugin for "
            f"{found[1]}://; ./{found[1]}: is a local folder of this name.",
        )
    return RemotePath(text)


def _local(text, name):
    path = pathlib.Path(text)
    if text.startswith("./") and (
        _SCHEME.match(str(path)) or str(path).startswith("~")
    ):
        # pathlib drops the "./", but the path may be read again.
        return path.absolute()
    try:
        return path.expanduser()
    except RuntimeError:
        raise expected(
            "a home folder of an existing user",
            f"{name}={text}",
            "Write the folder's full path; ./~ is a local folder of this name.",
        ) from None


def _of_file(text, name):
    """Returns the local path of file:///a or file:/a."""
    rest = text.removeprefix("file:").removeprefix("//")
    if not rest.startswith("/"):
        raise expected(
            "file:/// and an absolute path",
            f"{name}={text}",
            "Add a slash, or leave out file://.",
        )
    return pathlib.Path("/" + rest.lstrip("/"))


def _schemes():
    """Returns the schemes of TensorFlow's file systems that are not local."""
    import tensorflow as tf

    known = tf.io.gfile.get_registered_schemes()
    return sorted({str(scheme) for scheme in known} - {"", "file"})


def is_remote(path):
    """Returns whether a path object is on a file system of TensorFlow only."""
    return isinstance(path, RemotePath)


def local(path, what, name="path"):
    """Returns `as_path`, for what can only be read or written locally.

    Args:
        path: As in `as_path`.
        what: What needs a local path, for the message.
        name: Name of the argument, for messages.

    Raises:
        InputError: It is remote, or as in `as_path`.
    """
    path = as_path(path, name)
    if is_remote(path):
        raise expected(
            f"a local path for {what}",
            f"{name}={path}",
            "Copy it to a local folder and name that.",
        )
    return path


class RemotePath(pathlib.PurePosixPath):
    """A path on a file system of TensorFlow, such as `gs://bucket/run`.

    It has those methods of `pathlib.Path` that this library uses, with the
    same errors (`FileNotFoundError`, …). Renaming folders is not among them:
    object stores cannot do it at once. Made by `as_path`.
    """

    __slots__ = ()

    def __str__(self):
        scheme, _, rest = super().__str__().partition(":")
        return f"{scheme}://{rest.lstrip('/')}"

    def __fspath__(self):
        return str(self)

    def expanduser(self):
        """Returns the path itself; "~" is an ordinary name there."""
        return self

    def absolute(self):
        """Returns the path itself, which is absolute."""
        return self

    resolve = absolute

    def exists(self):
        """Returns whether there is a file or a folder of this name."""
        with _gfile(self) as gfile:
            return gfile.exists(str(self))

    def is_dir(self):
        """Returns whether it is a folder."""
        with _gfile(self) as gfile:
            # isdir alone calls a file system that does not answer empty.
            return gfile.exists(str(self)) and gfile.isdir(str(self))

    def is_file(self):
        """Returns whether it is a file."""
        return self.exists() and not self.is_dir()

    def stat(self):
        """Returns an object with `st_size` and `st_mtime_ns`."""
        with _gfile(self) as gfile:
            found = gfile.stat(str(self))
        return types.SimpleNamespace(
            st_size=found.length, st_mtime_ns=found.mtime_nsec
        )

    def mkdir(self, mode=0o777, parents=False, exist_ok=False):
        """Creates the folder, with its parents."""
        if self.is_file() or (not exist_ok and self.exists()):
            raise FileExistsError(
                errno.EEXIST, os.strerror(errno.EEXIST), str(self)
            )
        with _gfile(self) as gfile:
            gfile.makedirs(str(self))

    def iterdir(self):
        """Yields the files and folders in this folder."""
        with _gfile(self) as gfile:
            names = gfile.listdir(str(self))
        for name in names:
            yield self / name.rstrip("/")

    def glob(self, pattern):
        """Yields what is in this folder and matches; no subfolders."""
        if self.is_dir():
            for path in self.iterdir():
                if fnmatch.fnmatchcase(path.name, pattern):
                    yield path

    def open(self, mode="r", encoding=None, newline=None):
        """Returns a file to read, whose whole content is fetched."""
        if mode not in ("r", "rb"):
            raise ValueError(f"mode={mode!r}: write it by mimo_keras.files.")
        file = io.BytesIO(self.read_bytes())
        if mode == "rb":
            return file
        return io.TextIOWrapper(file, encoding or "utf-8", newline=newline)

    def read_bytes(self):
        """Returns the content."""
        if self.is_dir():
            raise IsADirectoryError(
                errno.EISDIR, os.strerror(errno.EISDIR), str(self)
            )
        with _gfile(self) as gfile, gfile.GFile(str(self), "rb") as file:
            return file.read()

    def read_text(self, encoding="utf-8"):
        """Returns the content as text."""
        return self.read_bytes().decode(encoding)

    def write_from(self, source):
        """Writes the content of a local file, atomically.

        It is written under another name and renamed, so that readers see the
        old content or the new.

        Args:
            source: Path of the local file.
        """
        name = f".{self.name}.{os.urandom(4).hex()}{UNFINISHED}"
        hidden = self.with_name(name)
        self.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (
                _gfile(self) as gfile,
                open(source, "rb") as file,
                gfile.GFile(str(hidden), "wb") as copy,
            ):
                copy.write(b"")  # Opens it, also if the file is empty.
                shutil.copyfileobj(file, copy, 1 << 24)
            hidden.replace(self)
        except BaseException:
            with contextlib.suppress(OSError):
                hidden.unlink()
            raise

    def replace(self, target):
        """Gives a file another name, whose old content is replaced."""
        with _gfile(self) as gfile:
            gfile.rename(str(self), str(target), overwrite=True)
        return target

    def unlink(self, missing_ok=False):
        """Removes the file."""
        try:
            with _gfile(self) as gfile:
                gfile.remove(str(self))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rmdir(self):
        """Removes the folder if it is empty."""
        if any(self.iterdir()):
            raise OSError(
                errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(self)
            )
        self.rmtree()

    def rmtree(self):
        """Removes the folder with all that is in it."""
        with _gfile(self) as gfile:
            gfile.rmtree(str(self))


@contextlib.contextmanager
def _gfile(path):
    """Yields tf.io.gfile; its errors become those of Python's own files."""
    import tensorflow as tf

    kinds = {
        tf.errors.NotFoundError: errno.ENOENT,
        tf.errors.AlreadyExistsError: errno.EEXIST,
        tf.errors.PermissionDeniedError: errno.EACCES,
        tf.errors.UnauthenticatedError: errno.EACCES,
        tf.errors.ResourceExhaustedError: errno.ENOSPC,
    }
    try:
        yield tf.io.gfile
    except tf.errors.OpError as error:
        number = kinds.get(type(error), errno.EIO)
        reason = " ".join(error.message.split()) or os.strerror(number)
        raise OSError(number, reason, str(path)) from error


def files_below(path):
    """Returns the names of all files in a folder and its subfolders, sorted.

    Args:
        path: A path object.

    Returns:
        Names relative to the folder, with slashes; none if it is missing.
        Links are not followed.
    """
    names = []
    for entry in path.iterdir() if path.is_dir() else ():
        link = not is_remote(entry) and entry.is_symlink()
        if entry.is_dir() and not link:
            inside = files_below(entry)
            names += [f"{entry.name}/{name}" for name in inside]
        else:
            names.append(entry.name)
    return sorted(names)
