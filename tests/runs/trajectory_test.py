"""Predictions during training: saved, resumed, without side effects."""

import functools

import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.errors import InputError
from mimo_keras.training.distribute import make_strategy
from tests.runs import outputs
from tests.runs.processes import kill
from uncertainty_runs.common import config, models
from uncertainty_runs.evaluation.suite import Suite
from uncertainty_runs.evaluation.trajectory import NAME, TrajectoryCallback

COMMAND = ("--output_dir=run", "--trajectory_interval=1")
EVALUATION = "uncertainty_runs.evaluation.suite:Suite.full"
# It draws random numbers when it predicts.
DROPOUT = ("--method=mc_dropout", "--samples=2", "--ensemble_size=1")


def kept(folder):
    with np.load(folder / NAME) as file:
        return file["epochs"], file["probabilities"]


def weights(folder, epoch=3):
    name = f"epoch_{epoch:06d}.npz"
    with np.load(folder / "checkpoints" / name) as file:
        return [file[name] for name in sorted(set(file.files) - {"record"})]


@pytest.fixture
def callback(parse, tmp_path):
    """A callback of 2 epochs on a model that was not trained."""
    parse("--dataset=digits", "--method=mimo")
    values = config.resolve()
    test = data.load("digits", "test")
    strategy = make_strategy()
    suite = Suite(test, strategy, values)
    found = TrajectoryCallback(suite, tmp_path, 2)
    found.set_model(models.build_model(values, test, unique=32, steps=1))
    return found


def train(callback, first, last):
    for epoch in range(first, last):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch)


def test_the_file_has_the_members_probabilities(callback, tmp_path):
    train(callback, 0, 5)
    epochs, probabilities = kept(tmp_path)
    assert epochs.tolist() == [0, 2, 4]
    assert probabilities.shape == (3, 512, 3, 10)
    images = data.load("digits", "test").images[:512]
    wanted = callback.model.predictor()(images)["member_probabilities"]
    np.testing.assert_allclose(probabilities[1], np.array(wanted), atol=1e-3)


def test_all_test_images_if_asked_for(callback, tmp_path):
    callback.images = 0
    train(callback, 0, 1)
    assert kept(tmp_path)[1].shape == (1, 599, 3, 10)


@pytest.mark.parametrize("resumed_at", [3, 4])
def test_epochs_that_are_trained_again_are_dropped(
    callback, tmp_path, resumed_at
):
    """And none else: an epoch that was saved before resuming stays."""
    train(callback, 0, 5)
    again = TrajectoryCallback(callback.suite, tmp_path, 2)
    again.set_model(callback.model)
    train(again, resumed_at, 6)
    assert kept(tmp_path)[0].tolist() == [0, 2, 4, 6]
    anew = TrajectoryCallback(callback.suite, tmp_path, 1)
    anew.set_model(callback.model)
    train(anew, 0, 1)
    assert kept(tmp_path)[0].tolist() == [0, 1]


def test_a_damaged_file_is_named_and_the_run_goes_on_without_it(
    callback, tmp_path
):
    train(callback, 0, 3)
    path = tmp_path / NAME
    whole = path.read_bytes()
    other = {"epochs": np.arange(2), "probabilities": np.ones((2, 3, 3, 10))}
    for damage in (
        lambda: path.write_bytes(whole[:100]),
        lambda: np.savez(path, **other | {"epochs": np.arange(3)}),
        lambda: np.savez(path, **other | {"epochs": np.array(["a", "b"])}),
        lambda: np.savez(path, epochs=np.arange(2)),
        lambda: np.savez(path, **other),  # Of another number of images.
    ):
        damage()
        again = TrajectoryCallback(callback.suite, tmp_path, 2)
        again.set_model(callback.model)
        callback.model.optimizer.iterations.assign(1)
        with pytest.raises(InputError, match=f"{NAME} .*Delete the file"):
            train(again, 2, 4)
    path.unlink()
    again = TrajectoryCallback(callback.suite, tmp_path, 2)
    again.set_model(callback.model)
    train(again, 2, 4)
    assert kept(tmp_path)[0].tolist() == [4]


def test_one_of_several_workers_writes(callback, tmp_path):
    callback.write = False
    train(callback, 0, 2)
    assert callback.epochs == [0, 2]
    assert not (tmp_path / NAME).exists()


def test_without_an_interval_there_is_no_file(callback, tmp_path):
    callback.interval = 0
    train(callback, 0, 3)
    assert not (tmp_path / NAME).exists()


@pytest.mark.large
def test_a_run_that_was_killed_keeps_the_same(short, cifar, tmp_path):
    """And training equals that of a run without trajectories."""
    step = "keras.callbacks:TensorBoard.on_train_batch_end"
    for where, call in ((step, 15), (EVALUATION, 1)):
        how = functools.partial(kill, where, call)
        assert cifar(*COMMAND, before=how).status == -9
    epochs, probabilities = kept(tmp_path / "run")
    assert epochs.tolist() == [0, 1, 2, 3]
    assert outputs.rows(tmp_path / "run", times=False) == outputs.rows(
        short, times=False
    )
    for found, wanted in zip(
        weights(tmp_path / "run"), weights(short), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    # Training changed them.
    assert np.abs(np.diff(probabilities, axis=0)).max(axis=(1, 2, 3)).min() > 0


def test_predictions_draw_nothing_from_training(cifar, tmp_path):
    ends = []
    for interval in (0, 1):
        name = f"run{interval}"
        done = cifar(
            *DROPOUT,
            f"--output_dir={name}",
            f"--trajectory_interval={interval}",
            "--train_epochs=2",
            before=functools.partial(kill, EVALUATION, 1),
        )
        assert done.status == -9, done
        ends.append(weights(tmp_path / name, epoch=2))
    for plain, watched in zip(*ends, strict=True):
        np.testing.assert_array_equal(plain, watched)
