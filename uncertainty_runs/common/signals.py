"""SIGTERM asks a run to stop where it can go on."""

import contextlib
import signal

from mimo_keras.errors import Stopped


class Request:
    """Whether the process was asked to stop; called, it says so."""

    def __init__(self):
        self.asked = False

    def __call__(self):
        return self.asked

    def check(self, where):
        """Raises `Stopped` if it was asked."""
        if self.asked:
            raise Stopped(f"Stopped {where}.")

    def guarded(self, function, where):
        """Returns a function that does the same, and looks after each call."""

        def checked(*args):
            result = function(*args)
            self.check(where)
            return result

        return checked


@contextlib.contextmanager
def on_sigterm():
    """Lets SIGTERM ask, in place of ending the process, inside the block.

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
        # None: a handler that was not set from Python.
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
