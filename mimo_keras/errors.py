"""Errors a user can mend: what was expected, what came, what to do."""

from mimo_keras.keras_internals import OneLineError


class InputError(OneLineError, ValueError):
    """Bad input from a user, told in one line.

    The scripts print the message and exit with status 2, without a traceback.
    """


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
        remedy: What the user can do about it, as a sentence.
        error: Its class.

    Returns:
        The error, to be raised by the caller.
    """
    message = f"Expected {what}. Received: {received}. {remedy}"
    return error(" ".join(message.split()))
