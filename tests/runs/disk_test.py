"""A full disk is reported in one line, and loses nothing."""

import functools
import json

import pytest

from tests.runs import disks, processes
from tests.runs.ends import (
    assert_nothing_is_left_over,
    assert_same_answers,
    assert_same_end,
    assert_same_results,
    left_by,
)

COMMAND = ("--output_dir=run", "--export")
STEP = "keras.callbacks:TensorBoard.on_train_batch_end"
KEPT = ["epoch_000001.npz"]
LAST = ["epoch_000002.npz", "epoch_000003.npz"]
# The file being written when the disk is full, as named in the message, and the
# files of `left_by` at that time.
FILES = {
    "metrics.csv": [],
    "epoch_000002.npz": KEPT,
    "corrupted-contrast_3.npz": LAST,
    "arrays.npz": LAST,
    "results.json": LAST,
    "report.html": [*LAST, "results.json"],
}
FULL = "(No space left on device)"
REMEDY = "Fix this and run the same command again: files already written"


def line(done):
    """Returns the error line of a process that failed properly."""
    assert done.status == 2, done
    (said,) = done.stderr.splitlines()
    assert said.startswith("cifar.py: error: Expected ")
    return said


def test_a_full_disk_at_every_moment(short, cifar, tmp_path):
    run = tmp_path / "run"
    said = line(
        cifar(*COMMAND, before=functools.partial(disks.full, "flags.json"))
    )
    assert FULL in said and not run.exists()
    for name, left in FILES.items():
        said = line(cifar(*COMMAND, before=functools.partial(disks.full, name)))
        assert "free disk space" in said and REMEDY in said
        assert f"{name} {FULL}" in said and "Received: run/" in said
        assert left_by(run) == left, name
        assert_nothing_is_left_over(run)
    save = "tensorflow:saved_model.save"
    said = line(
        cifar(*COMMAND, before=functools.partial(disks.full_from, save))
    )
    assert "run/saved_model (File too large)" in said and REMEDY in said
    assert left_by(run) == [*LAST, "report.html", "results.json"]
    assert_nothing_is_left_over(run)
    # There is space.
    done = cifar(*COMMAND)
    assert (done.status, done.stderr) == (0, "")
    assert_same_end(run, short)
    assert_same_results(run, short)
    assert_same_answers(run, short)


def test_an_export_stays_until_there_is_room_for_another(short, used, cifar):
    save = "tensorflow:saved_model.save"
    line(cifar(*COMMAND, before=functools.partial(disks.full_from, save)))
    assert_same_answers(used, short)


def test_events_that_cannot_be_written_are_reported(used, cifar):
    for path in (used / "checkpoints").iterdir():
        path.unlink()
    forbid = functools.partial(disks.read_only, used / "tensorboard")
    said = line(cifar(*COMMAND, before=forbid))
    assert "run/tensorboard (Permission denied)" in said and REMEDY in said


@pytest.mark.large
def test_a_folder_that_becomes_read_only(short, cifar, tmp_path):
    """Also as root, without the capability to write everywhere."""
    run = tmp_path / "run"
    forbid = functools.partial(disks.read_only_from, run, STEP, 13)
    said = line(cifar(*COMMAND, before=forbid))
    assert "run/metrics.csv (Permission denied)" in said and REMEDY in said
    assert left_by(run) == KEPT
    # It is still writable when the run begins.
    said = line(cifar(*COMMAND, before=functools.partial(disks.read_only, run)))
    assert "a writable --output_dir" in said
    assert "output_dir=run (Permission denied)" in said
    disks.set_mode(run, 0o755)
    evaluation = "uncertainty_runs.evaluation.suite:Suite.full"
    cifar(*COMMAND, before=functools.partial(processes.kill, evaluation, 1))
    assert_same_end(run, short)


@pytest.mark.parametrize("size", [0, 300])
def test_half_written_results_are_completed(short, used, cifar, size):
    for name in ("results.json", "arrays.npz", "report.html"):
        path = used / name
        path.write_bytes(path.read_bytes()[:size])
    for script, flags in {
        "evaluate": ["--runs=run", "--suite=test"],
        "analyze": ["--run_dir=run", "--figure=risk_coverage"],
    }.items():
        script = processes.CIFAR.with_name(f"{script}.py")
        done = processes.run(flags, used.parent, None, script)
        assert done.status == 2, done
        (said,) = done.stderr.splitlines()
        assert "Expected a whole " in said and "path=run/" in said
        assert "Delete the file, and run the command that made" in said
    done = cifar("--output_dir=run")
    assert (done.status, done.stderr) == (0, "")
    assert_same_results(used, short)
    assert json.loads((used / "flags.json").read_text())["seed"] == 42
