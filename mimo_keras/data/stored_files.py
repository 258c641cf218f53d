"""The files that a test set is read from, to notice that they were replaced."""

import hashlib
import os

from mimo_keras.data.known_sets import get
from mimo_keras.paths import as_path

_OF_TEST = ("validation", "shifted")
"""Parts of a suite that are made of images of the data set's own folder."""


def digest(dataset, name, data_dir=None):
    """Returns a digest of the names, sizes and times of a test set's files.

    Args:
        dataset: A key of `DATASETS`.
        name: The test set in its suite, such as "corrupted/fog_3".
        data_dir: The folder of the data; None for TFDS's default.

    Returns:
        Hexadecimal text; None if the set is not read from `data_dir`.

    Raises:
        InputError: There is no such data set.

    Example:
        >>> from mimo_keras.data import stored_files
        >>> stored_files.digest("digits", "test") is None
        True
    """
    folders, rest = _folders(get(dataset).folders, name)
    if not folders:
        return None
    if data_dir is None:
        home = os.path.join("~", "tensorflow_datasets")
        data_dir = os.environ.get("TFDS_DATA_DIR", home)
    found = hashlib.sha256()
    for folder in folders:
        # A suite in TFDS has a folder for each of its sets.
        if rest and (as_path(data_dir) / folder / rest).is_dir():
            folder = f"{folder}/{rest}"
        for line in _lines(as_path(data_dir) / folder, folder, set()):
            found.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def _folders(known, name):
    """Returns the folders of a set's part, and its name within that part."""
    if name.split("/")[0] in _OF_TEST:
        name = "test"
    parts = name.split("/")
    for count in range(len(parts), 0, -1):
        part = "/".join(parts[:count])
        if part in known:
            return known[part], "/".join(parts[count:])
    return (), ""


def _lines(folder, name, seen):
    """Yields a line for each file of a folder, in the order of names."""
    try:
        real = folder.resolve()
        paths = sorted(folder.iterdir())
    except OSError:  # There is no such folder.
        return
    if real in seen:  # A link to a folder above.
        return
    seen.add(real)
    for path in paths:
        inside = f"{name}/{path.name}"
        if path.is_dir():
            yield from _lines(path, inside, seen)
            continue
        try:
            found = path.stat()
            yield f"{inside}\0{found.st_size}\0{found.st_mtime_ns}"
        except OSError:  # A link to nothing.
            yield inside
