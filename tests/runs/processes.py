"""Runs a script in a process of its own, and kills it where a test says."""

import contextlib
import dataclasses
import functools
import itertools
import multiprocessing
import os
import pathlib
import pkgutil
import re
import runpy
import signal
import subprocess
import sys
import threading
import time

from mimo_keras import data
from mimo_keras.analysis import report_figures

ROOT = pathlib.Path(__file__).resolve().parents[2]
CIFAR = ROOT / "uncertainty_runs" / "cifar.py"
# Small enough to train in seconds; three epochs give two checkpoints that
# are kept and one that is not.
TINY = ("--dataset=digits", "--width_multiplier=1", "--train_epochs=3")
SECONDS = 240
"""When a process counts as hanging; none that works comes near it."""
PRELOADED = (
    *("uncertainty_runs.cifar", "uncertainty_runs.evaluate"),
    *("sklearn.datasets", "tensorflow_datasets"),
)
"""What is imported once for all scripts: these need all that the others do."""
FEW = {"types": ("gaussian_noise", "contrast"), "severities": (3, 5)}
"""The corrupted sets that `few` leaves."""

# What TensorFlow's C++ says, however low its voice is set; the second line of
# what it says of an iterator that is closed names a node.
_NOISE = re.compile(
    r"[IWEF]\d{4} .*\.cc:\d+\] |WARNING: All log messages "
    r"|\t \[\[\{\{node MultiDeviceIteratorGetNextFromShard\}\}\]\]$"
)
_STREAMS = ("stdout", "stderr")


@dataclasses.dataclass(frozen=True)
class Finished:
    """What a process left: its exit status (-9: killed) and what it said."""

    status: int
    stdout: str
    stderr: str


def run_plainly(flags, folder):
    """Runs `python uncertainty_runs/cifar.py flags` in a folder.

    Args:
        flags: The command line.
        folder: Existing folder to run in.

    Returns:
        `Finished`, without what TensorFlow says anyway.
    """
    done = subprocess.run(
        [sys.executable, str(CIFAR), *flags],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return Finished(done.returncode, done.stdout, _quiet(done.stderr))


def run(flags, folder, before=None, script=CIFAR, seconds=SECONDS):
    """Does the same in a fork of a process that has done the imports.

    That saves the seconds that the imports take, and lets a test prepare the
    process. TensorFlow starts anew in each.

    Args:
        flags: The command line.
        folder: Existing folder to run in.
        before: Function without arguments that the process calls first; it
            must pickle.
        script: The script.
        seconds: When it counts as hanging.

    Returns:
        `Finished`, as `run_plainly`.
    """
    return finish(start(flags, folder, before, script), folder, seconds)


def start(flags, folder, before=None, script=CIFAR):
    """Begins what `run` does; returns the process, for `finish`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *PRELOADED])
    process = context.Process(
        target=_script, args=([str(script), *flags], folder, before)
    )
    process.start()
    return process


def finish(process, folder, seconds=SECONDS):
    """Waits for what `start` began in a folder; returns its `Finished`."""
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        raise AssertionError(f"a run in {folder} is longer than {seconds} s")
    stdout, stderr = (
        _stream(folder, name).read_text("utf-8") for name in _STREAMS
    )
    return Finished(process.exitcode, stdout, _quiet(stderr))


def wait_for(path):
    """Waits until a file is there."""
    ends = time.monotonic() + SECONDS
    while not path.exists():
        if time.monotonic() > ends:
            raise AssertionError(f"{path} has not come in {SECONDS} seconds")
        time.sleep(0.05)


def wake(process):
    """Lets a process end that SIGSTOP has put to sleep, or soon will."""
    while process.is_alive():
        # It may end between the question and the signal.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.join(0.1)


def kill(where, call, *, after=False, seconds=0.0, number=signal.SIGKILL):
    """Makes this process kill itself as `kill -9` does.

    Args:
        where: Function or method that sets it off, such as "os.replace" or
            "module:Class.method".
        call: Which call of it does, from 1.
        after: Whether to let the call happen first.
        seconds: How long to let the process go on, in parallel.
        number: The signal.
    """
    at(where, call, functools.partial(_kill, number, seconds), after=after)


def at(where, call, action, *, after=False):
    """Does something in a call of a function, as `kill` says which."""
    holder, _, name = where.rpartition(".")
    holder = pkgutil.resolve_name(holder)
    original = getattr(holder, name)
    calls = itertools.count(1)

    def counted(*args, **kwargs):
        reached = next(calls) == call
        if reached and not after:
            action()
        result = original(*args, **kwargs)
        if reached and after:
            action()
        return result

    setattr(holder, name, counted)


def few():
    """Lets this process evaluate four corrupted sets, and draw no figures."""
    data.corrupted = functools.partial(data.corrupted, **FEW)
    report_figures.figures = lambda *_: {}


def together(*actions):
    """Returns one action, that a process can be given, of several."""
    return functools.partial(_all, actions)


def _all(actions):
    for action in actions:
        action()


def as_worker(config):
    """Makes this process one of several workers, by its TF_CONFIG."""
    os.environ["TF_CONFIG"] = config


def without_network():
    """Leads all requests of this process to a port where nothing listens."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ[name] = "http://127.0.0.1:9"


def _kill(number, seconds):
    arguments = (os.getpid(), number)
    if seconds:
        threading.Timer(seconds, os.kill, arguments).start()
    else:
        os.kill(*arguments)


def _script(argv, folder, before):
    for number, name in enumerate(_STREAMS, start=1):
        with open(_stream(folder, name), "wb") as file:
            os.dup2(file.fileno(), number)
    os.chdir(folder)
    sys.argv = argv
    if before is not None:
        before()
    runpy.run_path(argv[0], run_name="__main__")


def _stream(folder, name):
    return pathlib.Path(folder, f".{name}.txt")


def _quiet(text):
    return "".join(
        line for line in text.splitlines(True) if not _NOISE.match(line)
    )
