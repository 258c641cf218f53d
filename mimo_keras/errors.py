"""Errors that a user can put right: what was expected, what came, what to do.

The library names its arguments. So that the scripts can name their flags
instead, an argument in a message is written as `argument("data_dir")`.
"""

import re

from mimo_keras.keras_internals import OneLineError

# Around the name and the value of an argument; no text and no path has it.
_MARK = "\0"
_ARGUMENT = re.compile(f"{_MARK}(\\w+){_MARK}([^{_MARK}]*){_MARK}")


class InputError(OneLineError, ValueError):
    """Bad input from a user, told in one line.

    The scripts print the message and exit with status 2, without a traceback.
    """

    _marked = None

    def worded(self, say):
        """Returns the message with its arguments called otherwise.

        Args:
            say: Function from an argument's name and its value, as text ("" if
                there is none), to the words for it, or to None for those
                that the message has.
        """
        return _worded(self._marked or str(self), say)

    def advising(self, sentence):
        """Returns this error with a further sentence on what to do."""
        return _made(type(self), f"{self._marked or self} {sentence}")


class AbsentError(InputError):
    """Data that is not there: it may be left out, unlike what is damaged."""


class Stopped(Exception):
    """A run was asked to stop and did; what it had done is kept.

    The scripts print the message and exit with status 0.
    """


def expected(what, received, remedy, error=InputError):
    """Returns an `InputError` worded the way every error here is worded.

    Args:
        what: What was expected, without a leading "Expected" or a full stop.
        received: What came instead, as `name=value`.
        remedy: What the user can do about it, as a sentence. Arguments in it
            that a script may have as flags are written by `argument`.
        error: Its class.

    Returns:
        The error, to be raised by the caller.
    """
    return _made(error, f"Expected {what}. Received: {received}. {remedy}")


def argument(name, value=None):
    """Returns an argument as a part of what `expected` takes.

    Args:
        name: Its name.
        value: The value to give it; None for the argument as such.

    Returns:
        Text that only `expected` can read. It makes "name" or "name=value" of
        it, and `InputError.worded` whatever a script calls the argument.

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


def _made(error, marked):
    """Returns an error of a class, its message in one line."""
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
