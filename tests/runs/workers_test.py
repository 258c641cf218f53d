"""The same command, started once for each worker in TF_CONFIG."""

import numpy as np
import pytest

from tests.runs import outputs, processes
from tests.training import subprocesses

COMMAND = [
    *(processes.CIFAR, "--dataset=digits", "--width_multiplier=1"),
    *("--train_epochs=2", "--corruptions_interval=2", "--output_dir=run"),
]


# Asks the worker to stop as its first epoch begins, then runs the command.
TOLD = """
import runpy, signal, sys
from tests.runs.processes import kill
where = "mimo_keras.training.stopping:Stopping.on_epoch_begin"
kill(where, 1, number=signal.SIGTERM)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(folder, *flags):
    """Runs the command as two workers, of which the second has more flags."""
    return subprocesses.workers([COMMAND, [*COMMAND, *flags]], folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Where two workers have trained, and what they said."""
    folder = tmp_path_factory.mktemp("together")
    return folder, run(folder)


def test_the_chief_alone_writes_and_reports(finished):
    folder, ended = finished
    assert [status for status, _, _ in ended] == [0, 0], ended
    (_, told, _), (_, silence, _) = ended
    assert told.splitlines()[-1] == "Report:      run/report.html"
    assert silence == ""
    names = {path.name for path in (folder / "run").iterdir()}
    assert names == {
        *("flags.json", "metrics.csv", "results.json", "arrays.npz"),
        *("report.html", "tensorboard", "checkpoints"),
    }


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


def test_they_resume_from_the_last_checkpoint(finished):
    folder = finished[0] / "run"
    newest = folder / "checkpoints" / "epoch_000002.npz"
    with np.load(newest) as arrays:
        wanted = {name: arrays[name] for name in arrays.files}
    rows, results = (
        read(folder, times=False) for read in (outputs.rows, outputs.results)
    )
    for path in (newest, folder / "results.json"):
        path.unlink()
    ended = run(finished[0])
    assert [status for status, _, _ in ended] == [0, 0], ended
    assert ended[0][1].count("37/37") == 1
    assert outputs.rows(folder, times=False) == rows
    assert outputs.results(folder, times=False) == results
    with np.load(newest) as arrays:
        for name in set(wanted) - {"record"}:
            np.testing.assert_array_equal(arrays[name], wanted[name])


def test_one_that_is_told_to_stop_stops_all_after_the_epoch(finished, tmp_path):
    told = subprocesses.workers([COMMAND, ["-c", TOLD, *COMMAND]], tmp_path)
    for status, said, errors in told:
        assert status == 0, errors
        last = said.splitlines()[-1]
        assert last.startswith("Stopped after epoch 1. Run the same command")
    run(tmp_path)
    ours, whole = tmp_path / "run", finished[0] / "run"
    assert outputs.rows(ours, times=False) == outputs.rows(whole, times=False)
    found, wanted = (outputs.results(r, times=False) for r in (ours, whole))
    assert found == wanted


def test_workers_with_other_flags_are_told(tmp_path):
    for status, told, said in run(tmp_path, "--seed=7"):
        assert (status, told) == (2, "")
        assert "the same fingerprint of the flags in all workers" in said
        assert "Start all workers by the same command." in said
    assert not (tmp_path / "run").exists()
