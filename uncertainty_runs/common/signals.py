"""Signals that ask a process to end: SIGINT (Ctrl-C), SIGTERM and SIGHUP.

Inside `on_request` a signal is a request to stop at a point from which the
command can resume; elsewhere, in `ending`, it ends the script at once. Signals
that the process was started to ignore, as by nohup, stay ignored.
"""

import contextlib
import signal
import subprocess

from mimo_keras.errors import Stopped

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_NUMBERS = tuple(getattr(signal, n) for n in NAMES if hasattr(signal, n))


class Interrupted(BaseException):
    """A signal arrived where the script has nothing to finish."""

    def __init__(self, number):
        super().__init__(number)
        self.status = 128 + number


class Request:
    """Whether the process was asked to stop; calling it returns that.

    Attributes:
        number: The first signal; None as long as there was none.
    """

    def __init__(self):
        self.number = None
        self._pass_on = None

    def __call__(self):
        return self.number is not None

    def ask(self, number):
        """Notes a signal, and passes it on."""
        self.number = self.number or number
        if self._pass_on is not None:
            self._pass_on(number)

    def check(self, where):
        """Raises `Stopped` if the process was asked to stop."""
        if self():
            raise Stopped(f"Stopped {where}.")

    def guarded(self, function, where):
        """Returns the function with a `check` after each call."""

        def checked(*args):
            result = function(*args)
            self.check(where)
            return result

        return checked

    def run(self, command):
        """Runs a command that gets the same signals; returns its exit status.

        Its standard output is discarded.
        """
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
            self._pass_on = child.send_signal
            if self():  # Before there was a child.
                child.send_signal(self.number)
            status = child.wait()
            self._pass_on = None
        return status


@contextlib.contextmanager
def on_request():
    """Turns signals into a request to stop, inside the block.

    `Stopped`, if it leaves the block, gets the exit status of its signal: 0
    after SIGTERM, by which a scheduler asks for what has then happened.

    Yields:
        The `Request`.
    """
    request = Request()
    try:
        with _handled(lambda number, frame: request.ask(number)):
            yield request
    except Stopped as stopped:
        if request.number not in (None, signal.SIGTERM):
            stopped.status = 128 + request.number
        raise


@contextlib.contextmanager
def ending():
    """Turns signals into `Interrupted`, inside the block.

    After the first one, none disturbs the script's end but SIGTERM.
    """

    def end(number, frame):
        for other in _NUMBERS:
            last = other == signal.SIGTERM
            signal.signal(other, signal.SIG_DFL if last else signal.SIG_IGN)
        raise Interrupted(number)

    with _handled(end):
        yield


@contextlib.contextmanager
def _handled(handler):
    """Sets a handler for all signals that are not ignored."""
    before = {
        number: signal.signal(number, handler)
        for number in _NUMBERS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    except Interrupted:
        raise
    except BaseException:
        _restore(before)
        raise
    else:
        _restore(before)


def _restore(handlers):
    for number, handler in handlers.items():
        # None: the handler was not set from Python.
        signal.signal(number, handler or signal.SIG_DFL)
