"""Errors that a user can fix: what was expected, what was received, what to do.

The library's messages name arguments. An argument in a message is written as
`argument("data_dir")`, so that the scripts can name their flags instead.
"""

import re
import sys
import warnings

from mimo_keras.keras_internals import OneLineError

# Delimits the name and the value of an argument; no text or path contains it.
_MARK = "\0"
_ARGUMENT = re.compile(f"{_MARK}(\\w+){_MARK}([^{_MARK}]*){_MARK}")


class InputError(OneLineError, ValueError):
    """Bad input from a user, reported in one line.

    The scripts print the message and exit with its `status`, without a
    traceback.

    Example:

    ```python
    try:
        mimo_keras.backbones.get("no_such_network")
    except mimo_keras.InputError as error:
        print(error)
    ```
    """

    status = 2
    _marked = None

    def worded(self, say):
        """Returns the message with its arguments reworded.

        Args:
            say: Function from an argument's name and its value, as text ("" if
                there is none), to the words for it, or to None to keep the
                message's own.
        """
        return _worded(self._marked or str(self), say)

    def advising(self, sentence):
        """Returns this error with another sentence on what to do.

        Args:
            sentence: The sentence, appended to the message.
        """
        return _made(type(self), f"{self._marked or self} {sentence}")


class AbsentError(InputError):
    """Missing data, which may be skipped, unlike damaged data."""


class Stopped(Exception):
    """A run stopped on request; its progress is saved.

    The scripts print the message and exit with its `status`.
    """

    status = 0


def expected(what, received, remedy, error=InputError):
    """Returns an `InputError` in the wording that all our errors share.

    Args:
        what: What was expected, without a leading "Expected" or a full stop.
        received: What was received instead, as `name=value`.
        remedy: What the user can do about it, as a sentence. Arguments in it
            that a script may have as flags are written with `argument`.
        error: Class of the error.

    Returns:
        The error, to be raised by the caller.
    """
    return _made(error, f"Expected {what}. Received: {received}. {remedy}")


def closest(value, names, otherwise="Choose one of these."):
    """Returns what to do about an unknown name, the remedy of `expected`.

    Args:
        value: What was given, of any type.
        names: Those that are known; parts in brackets and braces, as of
            "mlp[_{units}]", are not compared, nor the value's numbers then.
        otherwise: The sentence if none of them is like it.

    Returns:
        A sentence with the name that is most like it, or `otherwise`.

    Example:
        >>> from mimo_keras.errors import closest
        >>> closest("tflite", ["tf_saved_model", "litert", "onnx"])
        "Did you mean 'litert'?"
        >>> closest("h5", ["tf_saved_model", "litert", "onnx"])
        'Choose one of these.'
    """
    import difflib

    if not isinstance(value, str):
        return otherwise
    given, shapes = _comparable(value), {}
    for name in names:
        shape = re.sub(r"_?\{.*?\}|\[.*?\]", "", str(name))
        shapes.setdefault(_comparable(shape), name)
        if shape != name:
            given = re.sub(r"_?\d+", "", given)
    found = difflib.get_close_matches(given, shapes, n=1)
    return f"Did you mean {str(shapes[found[0]])!r}?" if found else otherwise


def _comparable(name):
    return re.sub(r"\W", "_", name.lower())


def argument(name, value=None):
    """Returns an argument's name, marked for use in the texts of `expected`.

    Args:
        name: Its name.
        value: The value to give it; None to name the argument alone.

    Returns:
        Marked text. `expected` turns it into "name" or "name=value", and
        `InputError.worded` into whatever a script calls the argument.

    Example:
        >>> from mimo_keras.errors import argument, expected
        >>> folder = argument("data_dir", "FOLDER")
        >>> error = expected("data", "nothing", f"Pass {folder}.")
        >>> str(error)
        'Expected data. Received: nothing. Pass data_dir=FOLDER.'
        >>> error.worded(lambda name, value: f"{name} {value}")
        'Expected data. Received: nothing. Pass data_dir FOLDER.'
    """
    text = "" if value is None else value
    return f"{_MARK}{name}{_MARK}{text}{_MARK}"


def warn(message):
    """Warns a user, at the line from which the package was called.

    Args:
        message: What happened, and what to do.
    """
    level, frame = 2, sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back and _within(package, frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def _within(package, frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] == package


def _made(error, marked):
    """Returns an error of the given class with a one-line message."""
    marked = " ".join(marked.split())
    made = error(_worded(marked, lambda name, value: None))
    made._marked = marked
    return made


def _worded(marked, say):
    def words(match):
        name, value = match.groups()
        own = f"{name}={value}" if value else name
        return own if (said := say(name, value)) is None else said

    return _ARGUMENT.sub(words, marked)
