"""A run that is asked to stop resumes and ends as if never stopped."""

import itertools
import math

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError, Stopped
from mimo_keras.training import stopping
from mimo_keras.training.checkpoints import Checkpoints, Middle
from mimo_keras.training.distribute import distribution
from mimo_keras.training.fit import NonFiniteLossError, restore
from tests.training import networks, short_runs


def at(call):
    """A function that returns True at its `call`th call.

    With three steps an epoch: after step 1, after step 2, after the epoch.
    """
    calls = itertools.count(1)
    return lambda: next(calls) == call


def timeless(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def stopped(folder, call, **options):
    with pytest.raises(Stopped) as caught:
        short_runs.train(short_runs.again(), folder, stop=at(call), **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("calls", "create"),
    [
        # A new model has no metrics yet in the middle of an epoch.
        ([5, 1, 4], short_runs.create),
        ([1], short_runs.again),
        pytest.param([3], short_runs.again, marks=pytest.mark.large),
        ([11], short_runs.again),
        pytest.param([12], short_runs.again, marks=pytest.mark.large),
    ],
)
def test_a_stopped_run_ends_bit_for_bit_as_an_uninterrupted_one(
    whole, tmp_path, calls, create
):
    for call in calls:
        stopped(tmp_path, call)
    model = create(seed=99)
    rows = short_runs.train(model, tmp_path, stop=lambda: False)
    _, wanted, wanted_rows = whole
    for found, other in (
        (model.variables, wanted.variables),
        (model.optimizer.variables, wanted.optimizer.variables),
    ):
        for one, two in zip(found, other, strict=True):
            np.testing.assert_array_equal(one, two)
    assert timeless(rows) == timeless(wanted_rows)
    assert timeless(short_runs.table(tmp_path)) == timeless(
        short_runs.table(whole[0])
    )
    kept = Checkpoints(tmp_path / "checkpoints").paths()
    assert len(kept) == 2 and kept[-1].name == "epoch_000004.npz"


def test_it_says_where_and_a_checkpoint_holds_that(tmp_path):
    assert stopped(tmp_path, 5) == "Stopped in epoch 2 after step 2 of 3."
    path = tmp_path / "checkpoints" / "epoch_000001_step_000002.npz"
    assert path.exists()
    model = short_runs.create()
    assert restore(model, tmp_path)[0] == 1
    assert int(model.optimizer.iterations) == 5
    assert stopped(tmp_path, 1) == "Stopped after epoch 2."
    assert restore(model, tmp_path)[0] == 2
    assert len(short_runs.table(tmp_path)) == 2


def test_an_epoch_that_has_no_checkpoint_of_its_own_gets_one(tmp_path):
    stopped(tmp_path, 3, checkpoint_interval=3)
    (kept,) = Checkpoints(tmp_path / "checkpoints").paths()
    assert kept.name == "epoch_000001.npz"


def test_the_time_of_both_parts_of_an_epoch_is_counted(tmp_path, monkeypatch):
    clock = itertools.count(100)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    stopped(tmp_path, 1)
    seconds = (
        Checkpoints(tmp_path / "checkpoints")
        .restore(short_runs.create())[2]
        .seconds
    )
    assert seconds > 0
    monkeypatch.setattr("time.monotonic", lambda: 7)
    stopped(tmp_path, 2)
    (row,) = short_runs.table(tmp_path)
    assert float(row["seconds"]) == seconds


class EarlyEnd(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


def test_another_callback_can_end_training_after_the_rest(tmp_path):
    stopped(tmp_path, 1)
    rows = short_runs.train(short_runs.again(), tmp_path, EarlyEnd())
    assert len(rows) == 1


def test_a_loss_that_is_not_finite_is_not_kept(tmp_path):
    model = short_runs.create(rate=math.inf)
    with pytest.raises(NonFiniteLossError, match="loss=nan in epoch 1"):
        short_runs.train(model, tmp_path, stop=at(2))
    assert not list(tmp_path.glob("checkpoints/*"))


@pytest.fixture(scope="module")
def model():
    model = short_runs.create()
    x, y = short_runs.EXAMPLES.images, short_runs.EXAMPLES.labels
    model.train_on_batch(x, y)
    return model


def test_metrics_continue_from_their_counts(model):
    x, y = short_runs.EXAMPLES.images, short_runs.EXAMPLES.labels
    wanted = model.get_metrics_result()
    values = stopping.metric_values(model)
    model.reset_metrics()
    model.test_on_batch(x[:2], y[:2])
    assert model.get_metrics_result() != wanted
    stopping.restore_metrics(model, values)
    assert model.get_metrics_result() == wanted


def test_another_number_of_devices_is_reported(model):
    values = [np.stack([v[0], v[0]]) for v in stopping.metric_values(model)]
    with pytest.raises(InputError, match="devices=1, initially 2. Resume with"):
        stopping.restore_metrics(model, values)


def test_two_replicas_continue_from_their_own_metrics(two_cpus, tmp_path):
    strategy = distribution.make_strategy(num_cores=len(two_cpus))

    def create():
        with strategy.scope():
            model = networks.create("mimo", backbone="mlp_4")
            model.compile(keras.optimizers.SGD(0.2, momentum=0.9))
            model.optimizer.build(model.trainable_variables)
        return short_runs.rewinder(model)

    def train(rewind, folder, **options):
        options |= {"epochs": 2, "validation_data": None}
        model = rewind()
        return model, short_runs.train(model, tmp_path / folder, **options)

    one, other = create(), create()
    wanted, wanted_rows = train(one, "whole")
    weights = wanted.get_weights()
    with pytest.raises(Stopped):
        train(one, "stopped", stop=at(2))
    found, rows = train(other, "stopped")
    for weight, value in zip(found.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert timeless(rows) == timeless(wanted_rows)


def test_steps_of_an_earlier_call_are_known_from_the_callbacks():
    rest = stopping.Rest(Middle(2, 0.0, ()), None)
    other = stopping.Rest(None, None)
    listed = keras.callbacks.CallbackList([other, rest])
    for callbacks in (rest, [other, rest], listed):
        assert stopping.steps_done(callbacks) == 2
    for callbacks in (None, other, [other]):
        assert stopping.steps_done(callbacks) == 0
