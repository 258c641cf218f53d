"""Data sets in the layout in which their authors published them.

All readers of such folders find them, read their metadata and report errors in
the same way: the file and its entry, in one line.
"""

from mimo_keras import untrusted
from mimo_keras.errors import AbsentError, expected
from mimo_keras.files import ReadError, read_json, read_text
from mimo_keras.paths import as_path

CLASSES = 1000
"""Number of ImageNet classes, to which the sets' own classes are mapped."""

LARGEST = 2**28
"""Most bytes of a photograph's file."""


def folder(data_dir, *names, get_it):
    """Finds the folder of a published data set.

    Args:
        data_dir: The folder that holds it.
        *names: Paths in it where the set may be, in order of search.
        get_it: How to get the set, as a sentence.

    Returns:
        Its path object.

    Raises:
        AbsentError: There is no such folder.
    """
    received = "data_dir=None"
    if data_dir is not None:
        home = as_path(data_dir, "data_dir")
        paths = [home / name for name in names]
        for path in paths:
            if path.is_dir():
                return path
        received = f"no folder {paths[0]}"
    raise expected(f"the data set {names[0]}", received, get_it, AbsentError)


def text(path, get_it):
    """Returns the text of a metadata file.

    Args:
        path: Its path object.
        get_it: How to get the set, as a sentence.

    Raises:
        InputError: The file is missing, not UTF-8 or not a regular file.
    """
    try:
        return read_text(path)
    except FileNotFoundError:
        raise _not_whole(path, get_it) from None
    except ReadError as error:
        raise expected(
            "a UTF-8 text file", f"{path} ({error})", get_it
        ) from None


def _not_whole(path, get_it):
    return expected("a whole data set", f"no file {path}", get_it)


def table(path, get_it):
    """Returns the object (a `dict`) in a JSON file.

    Args:
        path: Its path object.
        get_it: How to get the set, as a sentence.

    Raises:
        InputError: The file is missing, is not JSON or has other content.
    """
    try:
        return read_json(path)
    except FileNotFoundError:
        raise _not_whole(path, get_it) from None
    except ReadError as error:
        raise expected(
            "a JSON object in UTF-8", f"{path} ({error})", get_it
        ) from None


def photograph(path, what, get_it):
    """Returns the path of a photograph's file.

    Args:
        path: Its path object.
        what: What it belongs to, such as "all images of objectnet".
        get_it: How to get the set, as a sentence.

    Raises:
        InputError: The file is missing, not a regular file, or too large.
    """
    try:
        return untrusted.regular(path, LARGEST)
    except FileNotFoundError:
        raise expected(what, f"no file {path}", get_it) from None
    except ReadError as error:
        raise expected(what, f"{path} ({error})", get_it) from None


def wrong_entry(path, entry, what, get_it):
    """Returns the error for an entry of a metadata file.

    Args:
        path: The file.
        entry: The entry as in the file, or its key and value.
        what: What was expected instead.
        get_it: How to get the set, as a sentence.
    """
    shown = str(entry)
    if len(shown) > 160:
        shown = shown[:160] + "…"
    return expected(what, f"{shown} in {path}", get_it)


def is_class(value, count):
    """Returns whether `value` is an integer from 0 to count - 1."""
    # In Python, True is an int, but it is not a class.
    return type(value) is int and 0 <= value < count


def class_number(key, count):
    """Returns the class in a string such as "17"; None if there is none."""
    if key.isascii() and key.isdigit() and len(key) <= len(str(count)):
        return int(key) if int(key) < count else None
    return None


def strings(value):
    """Returns whether `value` is a list of strings only."""
    return isinstance(value, list) and all(isinstance(x, str) for x in value)
