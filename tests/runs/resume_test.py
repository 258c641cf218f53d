"""A killed run, after repeating the command, ends as if never stopped."""

import functools
import random
import shutil

import pytest

from tests.runs.ends import (
    assert_nothing_is_left_over,
    assert_same_answers,
    assert_same_end,
    assert_same_results,
    left_by,
)
from tests.runs.processes import kill

COMMAND = ("--output_dir=run", "--export")
KILLED = -9

STEP = "keras.callbacks:TensorBoard.on_train_batch_end"
# Where each process in turn is killed, until the last one finishes: the call
# that triggers it, and the files of `left_by` at that time. Files get their
# names by os.replace: first flags.json, then metrics.csv, the checkpoint.
MOMENTS = {
    "in the middle of writing a checkpoint": (
        {"where": "zipfile:ZipFile.open", "call": 15},
        [],
    ),
    "just before a checkpoint takes its name": (
        {"where": "os.replace", "call": 3},
        [],
    ),
    "just after a checkpoint took its name": (
        {"where": "os.replace", "call": 3, "after": True},
        ["epoch_000001.npz"],
    ),
    "in the middle of epoch 2": (
        {"where": STEP, "call": 5},
        ["epoch_000001.npz"],
    ),
    "while a checkpoint goes to the disk": (
        {"where": "os.fsync", "call": 3},
        ["epoch_000001.npz"],
    ),
    "before an old checkpoint is removed": (
        # The first call removes what the first process was writing.
        {"where": "pathlib:Path.unlink", "call": 2},
        ["epoch_000001.npz", "epoch_000002.npz", "epoch_000003.npz"],
    ),
    "in an evaluation": (
        {
            "where": "uncertainty_runs.evaluation.cache:Evaluated.evaluate",
            "call": 4,
        },
        ["epoch_000001.npz", "epoch_000002.npz", "epoch_000003.npz"],
    ),
    "before an export takes its name": (
        {"where": "os.rename", "call": 1},
        [
            *("epoch_000001.npz", "epoch_000002.npz", "epoch_000003.npz"),
            *("report.html", "results.json"),
        ],
    ),
}


# Further moments, each in its own run, among the slow tests.
NEAR = (
    "just before a checkpoint takes its name",
    "while a checkpoint goes to the disk",
)
BETWEEN = "just after a checkpoint took its name"
EVALUATED = ("in an evaluation", "before an export takes its name")


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(set(MOMENTS) - set(NEAR), id="most"),
        pytest.param({*NEAR, BETWEEN}, id="near", marks=pytest.mark.large),
    ],
)
def test_killed_at_every_moment(short, cifar, tmp_path, moments):
    killed = tmp_path / "run"
    for moment, (how, left) in MOMENTS.items():
        if moment not in moments:
            continue
        done = cifar(*COMMAND, before=functools.partial(kill, **how))
        assert (done.status, done.stderr) == (KILLED, ""), moment
        assert left_by(killed) == left, moment
    if moments.isdisjoint(EVALUATED):
        _to_the_end_of_training(cifar)
        assert_same_end(killed, short)
        return
    done = cifar(*COMMAND)
    assert (done.status, done.stderr) == (0, "")
    assert_same_end(killed, short)
    assert_same_results(killed, short)
    assert_same_answers(killed, short)
    assert_nothing_is_left_over(killed)


@pytest.mark.large
def test_killed_while_a_network_that_draws_is_evaluated(cifar, tmp_path):
    flags = "--method=mc_dropout", "--train_epochs=1"
    assert cifar(*flags, "--output_dir=whole").status == 0
    how = {**MOMENTS["in an evaluation"][0], "call": 3}
    killed = (*flags, "--output_dir=run")
    assert cifar(*killed, before=functools.partial(kill, **how)).status < 0
    assert cifar(*killed).status == 0
    assert_same_results(tmp_path / "run", tmp_path / "whole")


@pytest.mark.large
def test_killed_at_random_times(folder, cifar, tmp_path):
    for _ in range(2):
        # Within an epoch, so that one more is left for the next process.
        how = {
            "call": random.randint(1, 10),
            "seconds": random.uniform(0.01, 0.15),
        }
        done = cifar(*COMMAND, before=functools.partial(kill, STEP, **how))
        assert done.status == KILLED, done
    _to_the_end_of_training(cifar)
    assert_same_end(tmp_path / "run", folder)


@pytest.mark.parametrize(
    "size", [pytest.param(0, marks=pytest.mark.large), 20_000]
)
def test_a_truncated_checkpoint_is_named_and_made_again(
    folder, used, cifar, size
):
    newest = used / "checkpoints" / "epoch_000003.npz"
    assert newest.stat().st_size > size
    newest.write_bytes(newest.read_bytes()[:size])
    shutil.rmtree(used / "saved_model")
    (warning,) = _to_the_end_of_training(cifar).stderr.splitlines()
    assert "Checkpoint run/checkpoints/epoch_000003.npz cannot be" in warning
    assert "the one before it is used" in warning
    assert_same_end(used, folder)


def _to_the_end_of_training(cifar):
    """Runs the command again, without the evaluation."""
    evaluation = "uncertainty_runs.evaluation.suite:Suite.full"
    done = cifar(*COMMAND, before=functools.partial(kill, evaluation, 1))
    assert done.status == KILLED, done
    return done
