"""Checks on files that others made, before they are opened or unpacked.

Opening a pipe waits for ever, a device never ends, metadata can name files
outside its folder, and a small archive can claim to hold more than any machine.
"""

import io
import json
import math
import os
import pathlib
import stat
import zipfile

from mimo_keras.keras_internals import claimed_bytes
from mimo_keras.paths import as_path

LEAST = 2**30
"""Bytes that an archive may unpack to, however small it is."""

EXPANSION = 16
"""How many times its size a larger one may unpack to. Weights hardly compress,
and neither NumPy nor Keras compresses by default."""

FRAME_DIGITS = 18
"""Most digits of a number in a file's name; more would not fit into 64 bits."""

_LONGEST = 255
"""Most bytes of a file's name."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class ReadError(ValueError):
    """A file is damaged or has unexpected content; the message says what."""


def regular(path, most=None):
    """Returns the path of a file that can be read to its end.

    Links are followed. Paths with a scheme, such as gs://bucket/file, are not
    checked: such file systems have regular files only.

    Args:
        path: The file's path.
        most: Largest number of bytes that it may have; None for any.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is not a regular file, is too large, or cannot be found
            out about.
    """
    if "://" in os.fspath(path):
        return path
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ReadError(str(error)) from None
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise ReadError(f"{kind}, not a regular file")
    if most is not None and found.st_size > most:
        raise ReadError(f"{found.st_size} bytes, more than {most}")
    return path


def inside(name):
    """Returns whether a relative path from metadata stays in its folder.

    Args:
        name: The path as in the metadata. Links that the user has put into the
            folder may lead elsewhere; names may not.
    """
    path = pathlib.PurePosixPath(name)
    try:
        longest = max(len(os.fsencode(part)) for part in path.parts)
    except ValueError:  # Nothing, or no characters of file names.
        return False
    possible = longest <= _LONGEST and "\0" not in name
    return possible and not path.is_absolute() and ".." not in path.parts


def number(digits):
    """Returns the number in a file's name; None if it is none, or too long."""
    if not digits.isdecimal() or len(digits) > FRAME_DIGITS:
        return None
    return int(digits)


def unpackable(file):
    """Returns an open archive, from its start, if it unpacks to about its size.

    Args:
        file: A zip archive, such as an .npz, opened to be read as bytes.

    Raises:
        ReadError: It claims to hold far more.
        zipfile.BadZipFile: It is no archive.
    """
    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        _check_size(archive, size)
    file.seek(0)
    return file


def keras_archive(path):
    """Returns the path of a .keras file whose network takes about its size.

    Args:
        path: The file's path.

    Raises:
        FileNotFoundError: There is no such file.
        ReadError: It is not a regular file, claims far more weights than it
            holds or for a far larger network, or takes them from other files.
        Exception: It is malformed in another way.
    """
    import h5py

    with (
        regular(as_path(path)).open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        size = file.seek(0, os.SEEK_END)
        _check_size(archive, size)
        for part in archive.namelist():
            if part == "config.json":
                # Without the optimizer: its variables come with training.
                config = {**json.loads(archive.read(part))}
                config.pop("compile_config", None)
                claimed = claimed_bytes(config)
                _check_claim(claimed or 0, size, "its network takes")
            if part.endswith(".npz"):
                raise ReadError(f"{part}, which Keras does not write")
            if part.endswith(".h5"):
                # Seeking in an archive would read it from its start each time.
                with h5py.File(io.BytesIO(archive.read(part)), "r") as group:
                    _check_claim(sum(_claims(group)), size, f"{part} claims")
    return path


def keras_weights(path):
    """Returns the path of a .weights.h5 file that claims about its size.

    Args:
        path: The file's path.

    Raises:
        Exception: As `keras_archive`.
    """
    import h5py

    with (
        regular(as_path(path)).open("rb") as file,
        h5py.File(file, "r") as group,
    ):
        size = file.seek(0, os.SEEK_END)
        _check_claim(sum(_claims(group)), size, "it claims")
    return path


def _check_size(archive, size):
    claimed = sum(part.file_size for part in archive.infolist())
    _check_claim(claimed, size, "it unpacks to")


def _check_claim(claimed, size, claims):
    if claimed > max(LEAST, EXPANSION * size):
        raise ReadError(f"{claims} {claimed} bytes, and the file has {size}")


def _claims(group):
    """Yields the number of bytes that each array in an HDF5 file claims."""
    import h5py

    groups, seen = [group], set()
    while groups:
        group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ReadError(f"{name} is a link in its weights")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise ReadError(f"{name} takes its weights elsewhere")
                yield math.prod(item.shape or ()) * item.dtype.itemsize
