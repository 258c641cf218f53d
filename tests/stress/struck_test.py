"""What counts as harm after a signal."""

import os
import signal
import subprocess
import sys

import pytest

from mimo_keras.files import ReadError, write_arrays
from tests.runs.processes import Finished
from tests.stress import struck

ON = " Run the same command again to resume.\n"
STOPPED = "Epoch 1/3\nStopped in epoch 2 after step 5 of 37." + ON
SAID = "cifar.py: interrupted.\n"


@pytest.mark.parametrize(
    ("name", "phase", "done"),
    [
        ("SIGKILL", "training", (-9, "", "")),
        ("SIGKILL", "outcome", (0, "", "")),
        ("SIGTERM", "training", (0, STOPPED, "")),
        ("SIGINT", "training", (130, STOPPED, "")),
        ("SIGHUP", "export", (129, STOPPED, "")),
        ("SIGTERM", "start", (143, "", SAID)),
        ("SIGINT", "start", (130, "", SAID)),
        ("SIGHUP", "start", (-1, "", "")),
        ("SIGHUP", "outcome", (0, "", "")),
    ],
)
def test_a_right_status(name, phase, done):
    struck.status(name, phase, Finished(*done))


@pytest.mark.parametrize(
    ("name", "phase", "done"),
    [
        ("SIGKILL", "training", (0, "", "")),
        ("SIGTERM", "training", (143, STOPPED, "")),
        ("SIGTERM", "training", (0, "", "")),
        ("SIGINT", "training", (0, STOPPED, "")),
        ("SIGINT", "training", (130, STOPPED, "Traceback")),
        ("SIGINT", "training", (-2, "", "")),
        ("SIGHUP", "start", (0, "", "")),
        ("SIGHUP", "start", (130, "", SAID)),
        ("SIGINT", "start", (130, "", "Traceback\n" + SAID)),
    ],
)
def test_a_wrong_status(name, phase, done):
    with pytest.raises(AssertionError):
        struck.status(name, phase, Finished(*done))


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("in epoch 2 after step 5 of 37", "epoch_000001_step_000005"),
        ("after epoch 2", "epoch_000002"),
        ("in the evaluation", "epoch_000003"),
        ("at the end, with nothing left to do", "epoch_000003"),
    ],
)
def test_a_stopped_run_has_the_checkpoint_of_where_it_says(
    tmp_path, where, name
):
    done = Finished(0, f"Stopped {where}.{ON}", "")
    with pytest.raises(OSError, match=name):
        struck.checkpoint(tmp_path, done)
    path = tmp_path / "checkpoints" / f"{name}.npz"
    path.parent.mkdir()
    write_arrays(path, {"a": [1.0, 2.0]})
    struck.checkpoint(tmp_path, done)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReadError):
        struck.checkpoint(tmp_path, done)


def test_a_run_that_did_not_stop_need_not_have_one(tmp_path):
    struck.checkpoint(tmp_path, Finished(-9, "Epoch 1/3\n", ""))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.json", b'{"a": '),
        ("arrays.npz", b"PK"),
        ("metrics.csv", b"epoch,loss\n1,0.5\n3,0.25\n"),
        ("saved_model/variables", b""),
    ],
)
def test_incomplete_files_are_harm_unless_they_are_hidden(
    tmp_path, name, content
):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(Exception):  # noqa: B017, PT011
        struck.broken(tmp_path)
    path.rename(tmp_path / ".hidden")
    if path.parent != tmp_path:
        path.parent.rmdir()
    struck.broken(tmp_path)


def test_a_hidden_file_of_a_stopped_run_is_left_over(tmp_path):
    (tmp_path / ".lock").touch()
    struck.left(tmp_path, Finished(-9, "", ""), session=-1)
    with pytest.raises(AssertionError, match=r"\.lock"):
        struck.left(tmp_path, Finished(0, STOPPED, ""), session=-1)


def test_a_process_that_lives_on_is_left_over(tmp_path, monkeypatch):
    monkeypatch.setattr(struck, "SECONDS", 0)
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        with pytest.raises(AssertionError, match="python"):
            struck.left(tmp_path, Finished(-9, "", ""), process.pid)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    struck.left(tmp_path, Finished(-9, "", ""), process.pid)
