"""Python in a separate process, or in several that are workers."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def python(code, *arguments, timeout=300, **environment):
    """Runs code with the project importable; returns what it printed.

    Args:
        code: Python source.
        *arguments: Its sys.argv[1:].
        timeout: Seconds after which it is an error.
        **environment: Variables to set besides the test's own.

    Returns:
        Its standard output. If it fails, the test fails with its standard
        error.
    """
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=_environment(environment),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def workers(commands, folder, timeout=240):
    """Runs Python once for each worker of a cluster on this machine.

    Args:
        commands: For each worker the command line after `python`.
        folder: Existing folder to run in; their output is saved there too.
        timeout: Seconds after which all are killed, which is an error.

    Returns:
        For each worker its exit status, standard output and error.
    """
    ends = time.monotonic() + timeout
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(_started(command, folder, config, index))
            for index, (command, config) in enumerate(
                zip(commands, configs(len(commands)), strict=True)
            )
        ]
        for process in processes:
            process.wait(max(ends - time.monotonic(), 0))
    return [
        (process.returncode, *(path.read_text() for path in _said(folder, i)))
        for i, process in enumerate(processes)
    ]


@contextlib.contextmanager
def _started(command, folder, config, index):
    """A process that is killed at the end, even if it ignores SIGTERM."""
    out, err = _said(folder, index)
    with out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=folder,
            stdout=stdout,
            stderr=stderr,
            env=_environment({"TF_CONFIG": config}),
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _said(folder, index):
    return [folder / f"worker{index}.{name}" for name in ("out", "err")]


def configs(count):
    """Returns TF_CONFIG for each worker, on free ports."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in sockets]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    return [
        json.dumps(
            {"cluster": cluster, "task": {"type": "worker", "index": index}}
        )
        for index in range(count)
    ]


def _environment(more):
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        **more,
    }
