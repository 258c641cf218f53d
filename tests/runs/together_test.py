"""Two processes in one folder: the second fails, the first is unaffected."""

import functools
import signal

import pytest

from tests.runs import processes
from tests.runs.bad_input_test import contents, line
from tests.runs.ends import assert_same_end
from uncertainty_runs.common import run_folder as folders

COMMAND = ("--output_dir=run",)


def test_a_folder_at_work_is_refused(used, cifar):
    with folders.alone(used):
        before = contents(used)
        said = line(cifar(*COMMAND))
        assert contents(used) == before
    assert "no other process is using" in said
    assert "output_dir=run, process " in said


def test_evaluate_refuses_it_too(used):
    done = processes.run(
        ["--runs=run", "--output_dir=run"],
        used.parent,
        functools.partial(_in_use, "run"),
        processes.CIFAR.with_name("evaluate.py"),
    )
    assert done.status == 2 and "no other process is using" in done.stderr, done
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.large
def test_the_first_of_two_ends_as_if_alone(short, tmp_path):
    """It waits at its second checkpoint until the second is rejected."""
    one, two = tmp_path / "one", tmp_path / "two"
    for cwd in (one, two):
        cwd.mkdir()
    flags = [*processes.SHORT, f"--output_dir={tmp_path / 'run'}"]
    save = "mimo_keras.training.checkpoints:Checkpoints.save"
    pause = functools.partial(processes.kill, save, 2, number=signal.SIGSTOP)
    first = processes.start(flags, one, pause)
    processes.wait_for(tmp_path / "run" / "checkpoints" / "epoch_000001.npz")
    done = processes.run(flags, two)
    assert done.status == 2, done
    assert f"process {first.pid}. Wait for it" in done.stderr
    processes.wake(first)
    assert processes.finish(first, one).status == 0
    assert_same_end(tmp_path / "run", short)


def _in_use(path):
    context = folders.alone(path)
    context.__enter__()
    # It stays until the process ends.
    _KEPT.append(context)


_KEPT = []
