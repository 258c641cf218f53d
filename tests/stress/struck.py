"""What is wrong with how a run ended that a signal reached."""

import json
import pathlib
import re
import signal
import time

import numpy as np

from mimo_keras.files import read_arrays
from tests.runs import ends, outputs
from tests.stress import watched
from uncertainty_runs.common import signals

SIGNALS = ("SIGKILL", *signals.NAMES)
HARM = ("status", "checkpoint", "broken", "left")
"""Kinds of harm: in `status`, `checkpoint`, `broken` and `left`."""
EPOCHS = 3  # As in `processes.TINY`.
SECONDS = 10
"""Seconds in which a run's own processes must end after it."""
STOPPED = re.compile(r"Stopped (.+)\. Run the same command again to resume\.")
_MIDDLE = re.compile(r"in epoch (\d+) after step (\d+) of \d+")
_END = re.compile(r"after epoch (\d+)")


def stopped(done):
    """Returns where a process says that it stopped, or None."""
    *_, last = done.stdout.splitlines() or [""]
    found = STOPPED.fullmatch(last)
    return found and found[1]


def status(name, phase, done):
    """Asserts the exit status and output after a signal.

    Args:
        name: The signal's.
        phase: In which phase it came.
        done: `processes.Finished`.
    """
    number = signal.Signals[name].value
    # Before the script handles signals, and after its end.
    outside = {"start": [-number], watched.AFTER: [0, -number]}
    said = ""
    if name == "SIGKILL":
        allowed = {watched.AFTER: [0]}.get(phase, []) + [-number]
    elif stopped(done):
        allowed = [0 if name == "SIGTERM" else 128 + number]
    elif done.stderr:
        allowed, said = [128 + number], "cifar.py: interrupted.\n"
    else:
        allowed = outside.get(phase, [])
    assert done.status in allowed and done.stderr == said, done


def checkpoint(run, done):
    """Asserts that a stopped run has the checkpoint of where it stopped.

    Args:
        run: Its folder.
        done: `processes.Finished`.
    """
    where = stopped(done)
    if where is None:
        return
    if middle := _MIDDLE.fullmatch(where):
        epoch, step = map(int, middle.groups())
        name = f"epoch_{epoch - 1:06}_step_{step:06}.npz"
    else:
        end = _END.fullmatch(where)
        name = f"epoch_{int(end[1]) if end else EPOCHS:06}.npz"
    read_arrays(run / "checkpoints" / name)


def broken(run):
    """Asserts that every file with its final name is complete."""
    for path in run.rglob("*"):
        parts = path.relative_to(run).parts
        if any(part.startswith(".") for part in parts):
            continue
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".npz":
            with np.load(path) as file:
                [file[name] for name in file.files]
    if (run / "metrics.csv").exists():
        numbers = [int(row["epoch"]) for row in outputs.rows(run)]
        assert numbers == list(range(1, len(numbers) + 1)), numbers
    if (run / "saved_model").exists():
        assert (run / "saved_model" / "saved_model.pb").exists()


def left(run, done, session):
    """Asserts that no process is left; of a stopped run, no hidden file.

    Args:
        run: Its folder.
        done: `processes.Finished`.
        session: Number of the session that its process began.
    """
    late = time.monotonic() + SECONDS
    while (found := members(session)) and time.monotonic() < late:
        time.sleep(0.05)
    assert not found, found
    if stopped(done):
        ends.assert_nothing_is_left_over(run)


def members(session):
    """Returns the commands of a session's living processes."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = path.read_text("utf-8").rpartition(") ")
        except (OSError, ValueError):  # It has just ended.
            continue
        state, _, _, number, *_ = after.split()
        if int(number) == session and state not in "ZX":
            found.append(before.partition("(")[2])
    return found
