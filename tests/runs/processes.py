"""Runs a script in a separate process, and kills it at a given point."""

import contextlib
import dataclasses
import functools
import gc
import itertools
import multiprocessing
import multiprocessing.connection
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
# Small enough to train in seconds; of three epochs' checkpoints two are kept.
TINY = ("--dataset=digits", "--width_multiplier=1", "--train_epochs=3")
# Epochs of ten steps.
SHORT = (*TINY, "--train_examples=320")
SECONDS = 240
"""When a process counts as hanging; none that works comes near it."""
PRELOADED = (
    *("uncertainty_runs.cifar", "uncertainty_runs.evaluate"),
    *("sklearn.datasets", "tensorflow_datasets"),
)
"""What is imported once for all scripts: these need all that the others do."""
FEW = {"types": ("gaussian_noise", "contrast"), "severities": (3, 5)}
"""The corrupted sets that `few` leaves."""

# Messages of TensorFlow's C++ at any log level; the second line of the message
# about a closed iterator names a node.
_NOISE = re.compile(
    r"[IWEF]\d{4} .*\.cc:\d+\] |WARNING: All log messages "
    r"|\t \[\[\{\{node MultiDeviceIteratorGetNextFromShard\}\}\]\]$"
)
_STREAMS = ("stdout", "stderr")
_POLLS = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Finished:
    """A finished process: its exit status (-9: killed) and its output."""

    status: int
    stdout: str
    stderr: str


def run_plainly(flags, folder):
    """Runs `python uncertainty_runs/cifar.py flags` in a folder.

    Args:
        flags: The command line.
        folder: Existing folder to run in.

    Returns:
        `Finished`, without TensorFlow's usual messages.
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
    """Does the same in a fork of a process with all imports done.

    This saves the time of the imports, and lets a test prepare the process.
    TensorFlow is initialized in each.

    Args:
        flags: The command line.
        folder: Existing folder to run in.
        before: Picklable function without arguments that the process calls
            first.
        script: The script.
        seconds: Time after which it counts as hanging.

    Returns:
        `Finished`, as `run_plainly`.
    """
    return finish(start(flags, folder, before, script), folder, seconds)


def start(flags, folder, before=None, script=CIFAR):
    """Starts what `run` does; returns the process, for `finish`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *PRELOADED])
    process = context.Process(
        target=_script, args=([str(script), *flags], folder, before)
    )
    # Starting a process polls all others, and of two threads that poll one only
    # the first is told its exit status.
    with _POLLS:
        process.start()
    return process


def finish(process, folder, seconds=SECONDS):
    """Waits for the process from `start`; returns its `Finished`."""
    ended = not runs(process, seconds)
    with _POLLS:
        if not ended:
            process.kill()
        process.join()
    if not ended:
        raise AssertionError(f"a run in {folder} is longer than {seconds} s")
    stdout, stderr = (
        # In Latin-1 where a test says so.
        _stream(folder, name).read_text("utf-8", errors="backslashreplace")
        for name in _STREAMS
    )
    return Finished(process.exitcode, stdout, _quiet(stderr))


def runs(process, seconds=0):
    """Whether a process runs after some seconds; any thread may ask."""
    return not multiprocessing.connection.wait([process.sentinel], seconds)


def wait_for(path):
    """Waits until a file exists."""
    ends = time.monotonic() + SECONDS
    while not path.exists():
        if time.monotonic() > ends:
            raise AssertionError(f"{path} has not come in {SECONDS} seconds")
        time.sleep(0.05)


def wake(process):
    """Resumes a process that SIGSTOP has stopped, or soon will."""
    while runs(process):
        # It may end between the check and the signal.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        runs(process, 0.1)


def kill(where, call, *, after=False, seconds=0.0, number=signal.SIGKILL):
    """Makes this process kill itself as `kill -9` does.

    Args:
        where: Function or method that triggers it, such as "os.replace" or
            "module:Class.method".
        call: Which call of it triggers the kill, from 1.
        after: Whether to let the call happen first.
        seconds: How long to let the process continue, in parallel.
        number: The signal.
    """
    at(where, call, functools.partial(_kill, number, seconds), after=after)


def at(where, call, action, *, after=False):
    """Does something at a call of a function; arguments as in `kill`."""
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
    """Makes this process evaluate four corrupted sets, and draw no figures."""
    data.corrupted = functools.partial(data.corrupted, **FEW)
    report_figures.figures = lambda *_: {}


def together(*actions):
    """Combines several actions for a process into one."""
    return functools.partial(_all, actions)


def _all(actions):
    for action in actions:
        action()


def as_worker(config):
    """Makes this process one of several workers, by its TF_CONFIG."""
    os.environ["TF_CONFIG"] = config


def without_network():
    """Redirects all requests of this process to a port without a listener."""
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
    gc.freeze()  # What is imported stays.
    # As in a terminal: the tests themselves may run where it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if before is not None:
        before()
    runpy.run_path(argv[0], run_name="__main__")


def _stream(folder, name):
    return pathlib.Path(folder, f".{name}.txt")


def _quiet(text):
    return "".join(
        line for line in text.splitlines(True) if not _NOISE.match(line)
    )
