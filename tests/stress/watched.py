"""A run that records its calls, and can get a signal at any of them."""

import collections
import contextlib
import dataclasses
import functools
import os
import pkgutil
import re
import signal
import threading
import time

# Function -> the phase from its call to its return. In between, the phase is
# that of the outer function; before all "start", after all "outcome".
PHASES = {
    "uncertainty_runs.common.run:train_resumably": "training",
    "mimo_keras.training.checkpoints:Checkpoints.save": "checkpointing",
    "uncertainty_runs.evaluation.suite:Suite.full": "evaluation",
    "mimo_keras:export_saved_model": "export",
}
AFTER = "outcome"
SENT = "signal"
"""In the record, in place of a function: when the signal was sent."""
ALL = ("start", *PHASES.values(), AFTER)
# Further functions that are recorded, as moments for a signal.
CALLS = (
    "os.replace",
    "os.fsync",
    "os.rename",
    "os.unlink",
    "zipfile:ZipFile.open",
    *(
        f"uncertainty_runs.evaluation.cache:Evaluated.{way}"
        for way in (
            "evaluate",
            "evaluate_scored",
            "grouped",
            "predicted",
            "scores",
        )
    ),
    "keras.callbacks:TensorBoard.on_train_batch_end",
)


@dataclasses.dataclass(frozen=True)
class Aim:
    """The moment of a signal: a call in a phase.

    Attributes:
        phase: The phase; None for never.
        name: The function; the phase's own function means its start.
        call: Which call of it in that phase, from 1.
        after: Whether the call happens first.
        seconds: How long the process continues, in parallel.
        number: The signal.
    """

    phase: str | None = None
    name: str = ""
    call: int = 1
    after: bool = False
    seconds: float = 0.0
    number: int = signal.SIGKILL


@dataclasses.dataclass(frozen=True)
class Event:
    """A line of a run's record: time, phase and function."""

    time: float
    phase: str
    name: str


def heed():
    """Undoes that nohup or a shell's & made this process ignore signals."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def watch(path, aim):
    """Makes this process record its calls, and send itself the signal."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    phases, calls = ["start"], collections.Counter()

    def note(name):
        line = f"{time.monotonic():.6f} {phases[-1]} {name}\n"
        os.write(handle, line.encode())  # A kill does not undo it.

    def strike():
        note(SENT)
        os.kill(os.getpid(), aim.number)

    def act():
        if aim.seconds:
            timer = threading.Timer(aim.seconds, strike)
            timer.daemon = True  # A run that ends first does not wait.
            timer.start()
        else:
            strike()

    @contextlib.contextmanager
    def noted(name):
        note(name)
        key = phases[-1], name
        calls[key] += 1
        hit = key == (aim.phase, aim.name) and calls[key] == aim.call
        if hit and not aim.after:
            act()
        yield
        if hit and aim.after:
            act()

    @contextlib.contextmanager
    def phase(entered, name):
        phases.append(entered)
        try:
            with noted(name):
                yield
        finally:
            phases.pop()
            if phases == ["start"]:
                phases[0] = AFTER
            note("end")

    note("begin")
    for name, entered in PHASES.items():
        _wrap(name, functools.partial(phase, entered, name))
    for name in CALLS:
        _wrap(name, functools.partial(noted, name))


def send(path, pid, number):
    """Sends a process that records its calls a signal, and records it."""
    phase = events(path)[-1].phase
    with path.open("a") as file:
        file.write(f"{time.monotonic():.6f} {phase} {SENT}\n")
    with contextlib.suppress(ProcessLookupError):  # It has just ended.
        os.kill(pid, number)


def begun(path):
    """Returns whether a process has begun to record its calls."""
    return path.exists() and path.stat().st_size > 0


def events(path):
    """Returns the events that a run recorded."""
    lines = path.read_text().splitlines()
    return [
        Event(float(when), *rest)
        for when, *rest in (line.split(" ") for line in lines)
    ]


def _wrap(where, around):
    # The last "." or ":" is before the name.
    holder, name = re.fullmatch(r"(.+)[.:](\w+)", where).groups()
    holder = pkgutil.resolve_name(holder)
    original = getattr(holder, name)

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        with around():
            return original(*args, **kwargs)

    setattr(holder, name, wrapped)
