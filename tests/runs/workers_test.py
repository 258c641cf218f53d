"""The same command, started once for each worker in TF_CONFIG."""

import functools
import signal

import numpy as np
import pytest

from tests import once
from tests.runs import outputs, processes
from tests.training import subprocesses

COMMAND = (
    *("--dataset=digits", "--width_multiplier=1", "--train_epochs=2"),
    *("--corruptions_interval=2", "--train_examples=320"),
)
# Asks a worker to stop when its first epoch begins.
TELL = functools.partial(
    processes.kill,
    "mimo_keras.training.stopping:Stopping.on_epoch_begin",
    1,
    number=signal.SIGTERM,
)


def run(folder, *flags, before=None):
    """Runs the command as two workers, the second with its own settings.

    Args:
        folder: Folder of their run.
        *flags: Additional flags of the second.
        before: Function that the second calls first, if any.

    Returns:
        `Finished` of both.
    """
    started = []
    try:
        for index, config in enumerate(subprocesses.configs(2)):
            own = folder / f"worker{index}"
            own.mkdir(exist_ok=True)
            line = [*COMMAND, f"--output_dir={folder / 'run'}"]
            action = processes.together(
                functools.partial(processes.as_worker, config),
                processes.few,
                *([before] if index and before else []),
            )
            line += flags if index else []
            started.append((processes.start(line, own, action), own))
        return [processes.finish(*each) for each in started]
    finally:
        for process, _ in started:
            process.kill()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder in which two workers trained, and their output."""
    return once.made(tmp_path_factory, "together", run)


def test_the_chief_alone_writes_and_reports(finished):
    folder, ended = finished
    assert [one.status for one in ended] == [0, 0], ended
    chief, other = ended
    last = chief.stdout.splitlines()[-1]
    assert last == f"Report:      {folder / 'run' / 'report.html'}"
    assert other.stdout == ""
    names = {path.name for path in (folder / "run").iterdir()}
    assert names == {
        *("flags.json", "metrics.csv", "results.json", "arrays.npz"),
        *("report.html", "tensorboard", "checkpoints"),
    }


def last_checkpoint(folder):
    with np.load(folder / "checkpoints" / "epoch_000002.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_what_is_reported_is_what_was_validated(finished):
    folder = finished[0] / "run"
    first, last = outputs.rows(folder)
    assert (first["epoch"], last["epoch"]) == ("1", "2")
    results = outputs.results(folder)
    for name in ("accuracy", "nll"):
        np.testing.assert_allclose(
            float(last[f"val_{name}"]), results[f"test/{name}"], rtol=1e-4
        )
    np.testing.assert_allclose(
        float(last["corrupted/nll"]), results["corrupted/nll"], rtol=1e-5
    )
    with np.load(folder / "arrays.npz") as arrays:
        assert arrays["reliability_count"].sum() == 599


@pytest.mark.large
def test_one_that_is_told_to_stop_stops_all_after_the_epoch(finished, tmp_path):
    for one in run(tmp_path, before=TELL):
        assert one.status == 0, one
        last = one.stdout.splitlines()[-1]
        assert last.startswith("Stopped after epoch 1. Run the same command")
    run(tmp_path)
    ours, whole = tmp_path / "run", finished[0] / "run"
    assert outputs.rows(ours, times=False) == outputs.rows(whole, times=False)
    found, wanted = (outputs.results(r, times=False) for r in (ours, whole))
    assert found == wanted
    found, wanted = map(last_checkpoint, (ours, whole))
    assert found.keys() == wanted.keys()
    for name in set(wanted) - {"record"}:
        np.testing.assert_array_equal(found[name], wanted[name])


def test_workers_with_other_flags_are_reported(tmp_path):
    for one in run(tmp_path, "--seed=7"):
        assert (one.status, one.stdout) == (2, ""), one
        assert "the same fingerprint of the flags in all workers" in one.stderr
        assert "Start all workers with the same command." in one.stderr
    assert not (tmp_path / "run").exists()
