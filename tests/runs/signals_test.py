"""Signals ask a run to stop where it can resume; elsewhere they end it."""

import os
import signal
import threading

import pytest

from mimo_keras.errors import Stopped
from tests.runs.processes import wait_for
from uncertainty_runs.common import signals


def test_a_request_says_whether_it_was_asked():
    request = signals.Request()
    assert request() is False
    request.check("anywhere")
    request.ask(signal.SIGTERM)
    assert request() is True
    with pytest.raises(Stopped) as caught:
        request.check("after epoch 3")
    assert str(caught.value) == "Stopped after epoch 3."


def test_a_guarded_function_is_called_and_then_looked_after():
    request, calls = signals.Request(), []

    def add(a, b):
        calls.append((a, b))
        if a == 3:
            request.ask(signal.SIGTERM)
        return a + b

    guarded = request.guarded(add, "in the sums")
    assert guarded(1, 2) == 3
    with pytest.raises(Stopped, match=r"^Stopped in the sums\.$"):
        guarded(3, 4)
    assert calls == [(1, 2), (3, 4)]


NUMBERS = [getattr(signal, name) for name in signals.NAMES]


@pytest.fixture(params=NUMBERS, ids=signals.NAMES)
def number(request):
    return request.param


@pytest.fixture
def handled():
    """A previous handler of all signals, which records its calls."""
    calls = []

    def handler(number, frame):
        calls.append(number)

    before = {number: signal.signal(number, handler) for number in NUMBERS}
    yield handler, calls
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)


def test_a_signal_asks_inside_the_block_only(handled, number):
    handler, calls = handled
    with signals.on_request() as request:
        assert not request()
        send(number)
        assert request()
        send(number)  # A second time does no harm.
        assert request() and not calls
    assert signal.getsignal(number) is handler
    send(number)
    assert calls == [number]


def test_every_block_has_a_request_of_its_own(handled, number):
    with signals.on_request() as first:
        send(number)
    with signals.on_request() as second:
        assert first() and not second()


def test_the_status_is_the_shell_s_and_0_after_sigterm(handled, number):
    with pytest.raises(Stopped) as caught, signals.on_request() as request:
        send(number)
        send(signal.SIGTERM)  # The first one counts.
        request.check("here")
    wanted = {signal.SIGINT: 130, signal.SIGHUP: 129, signal.SIGTERM: 0}
    assert caught.value.status == wanted[number]
    assert signal.getsignal(number) is handled[0]
    with pytest.raises(Stopped) as caught, signals.on_request():
        raise Stopped("Another worker was asked.")
    assert caught.value.status == 0


def test_what_nohup_has_the_process_ignore_stays_ignored(handled, number):
    signal.signal(number, signal.SIG_IGN)
    with signals.ending(), signals.on_request() as request:
        send(number)
        assert not request()
    assert signal.getsignal(number) is signal.SIG_IGN


def test_elsewhere_a_signal_ends_the_script(handled, number):
    with pytest.raises(signals.Interrupted) as caught, signals.ending():
        send(number)
    assert caught.value.status == 128 + number
    # What is left to do is not disturbed.
    send(signal.SIGINT)
    send(signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_handlers_come_back_after_an_error_too(handled):
    with pytest.raises(KeyError), signals.ending():
        raise KeyError
    with pytest.raises(KeyError), signals.on_request():
        raise KeyError
    assert {signal.getsignal(number) for number in NUMBERS} == {handled[0]}


def test_a_handler_that_python_does_not_know_becomes_the_default(
    handled, monkeypatch
):
    given, set_handler = [], signal.signal

    def none_at_first(number, handler):
        given.append(handler)
        set_handler(number, handled[0])
        return None

    monkeypatch.setattr(signal, "signal", none_at_first)
    with signals.on_request():
        pass
    assert given[len(NUMBERS) :] == [signal.SIG_DFL] * len(NUMBERS)


CHILD = """
trap 'exit 7' INT TERM HUP
touch ready
while :; do sleep 0.02; done
"""


def test_a_command_gets_the_signal_and_is_waited_for(
    handled, number, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    def later():
        wait_for(tmp_path / "ready")
        send(number)

    with signals.on_request() as request:
        thread = threading.Thread(target=later)
        thread.start()
        assert request.run(["sh", "-c", CHILD]) == 7
        thread.join()
        assert request.number == number
        # One that starts later gets it at once.
        assert request.run(["sleep", "60"]) == -number
