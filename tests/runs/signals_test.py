"""SIGTERM asks a run to stop where it can resume."""

import os
import signal

import pytest

from mimo_keras.errors import Stopped
from uncertainty_runs.common import signals


def test_a_request_says_whether_it_was_asked():
    request = signals.Request()
    assert request() is False
    request.check("anywhere")
    request.asked = True
    assert request() is True
    with pytest.raises(Stopped) as caught:
        request.check("after epoch 3")
    assert str(caught.value) == "Stopped after epoch 3."


def test_a_guarded_function_is_called_and_then_looked_after():
    request, calls = signals.Request(), []

    def add(a, b):
        calls.append((a, b))
        request.asked = a == 3
        return a + b

    guarded = request.guarded(add, "in the sums")
    assert guarded(1, 2) == 3
    with pytest.raises(Stopped, match=r"^Stopped in the sums\.$"):
        guarded(3, 4)
    assert calls == [(1, 2), (3, 4)]


@pytest.fixture
def handled():
    """A previous handler of SIGTERM, which records its calls."""
    calls = []

    def handler(number, frame):
        calls.append(number)

    before = signal.signal(signal.SIGTERM, handler)
    yield handler, calls
    signal.signal(signal.SIGTERM, before)


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_asks_inside_the_block_only(handled):
    handler, calls = handled
    interrupt = signal.getsignal(signal.SIGINT)
    with signals.on_sigterm() as request:
        assert not request()
        assert signal.getsignal(signal.SIGINT) is interrupt
        terminate()
        assert request()
        terminate()  # A second time does no harm.
        assert request() and not calls
    assert signal.getsignal(signal.SIGTERM) is handler
    terminate()
    assert calls == [signal.SIGTERM]


def test_every_block_has_a_request_of_its_own(handled):
    with signals.on_sigterm() as first:
        terminate()
    with signals.on_sigterm() as second:
        assert first() and not second()


def test_the_handler_comes_back_after_an_error_too(handled):
    with pytest.raises(Stopped), signals.on_sigterm() as request:
        terminate()
        request.check("here")
    assert signal.getsignal(signal.SIGTERM) is handled[0]


def test_a_handler_that_python_does_not_know_becomes_the_default(
    handled, monkeypatch
):
    given, set_handler = [], signal.signal

    def none_at_first(number, handler):
        given.append(handler)
        set_handler(number, handled[0])
        return None

    monkeypatch.setattr(signal, "signal", none_at_first)
    with signals.on_sigterm():
        pass
    assert len(given) == 2 and given[1] is signal.SIG_DFL
