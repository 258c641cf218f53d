"""SIGTERM asks a run to stop at a point from which it can resume."""

import contextlib
import signal

from mimo_keras.errors import Stopped


class Request:
    """Whether the process was asked to stop; calling it returns that."""

    def __init__(self):
        self.asked = False

    def __call__(self):
        return self.asked

    def check(self, where):
        """Raises `Stopped` if the process was asked to stop."""
        if self.asked:
            raise Stopped(f"Stopped {where}.")

    def guarded(self, function, where):
        """Returns the function with a `check` after each call."""

        def checked(*args):
            result = function(*args)
            self.check(where)
            return result

        return checked


@contextlib.contextmanager
def on_sigterm():
    """Turns SIGTERM into a request to stop, inside the block.

    Yields:
        The `Request`.
    """
    request = Request()

    def ask(number, frame):
        request.asked = True

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield request
    finally:
        # None: the handler was not set from Python.
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
