"""The metric that uses the mixture's weights."""

import keras
import numpy as np
import pytest

from mimo_keras.training.mixture_score import MixtureScore
from tests.training import networks


def test_it_is_a_mean_whose_reset_leaves_the_weights():
    metric = MixtureScore(np.log([0.25, 0.75]))
    metric.update_state([1.0, 4.0], sample_weight=[1.0, 3.0])
    assert float(metric.result()) == 3.25
    metric.log_weights.assign(np.log([0.5, 0.5]))
    metric.reset_state()
    assert float(metric.result()) == 0.0
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(metric.log_weights), np.log([0.5, 0.5])
    )


@pytest.mark.parametrize(
    ("options", "monitored"),
    [
        ({}, ["loss", "val_nll", "nll", "val_accuracy"]),
        ({"num_classes": None, "output_dim": 1}, ["val_mse", "mse"]),
    ],
)
@pytest.mark.parametrize("kind", ["stop", "slow", "keep"])
def test_callbacks_know_in_which_direction_to_go(
    tmp_path, options, monitored, kind
):
    model = networks.create(**options)
    model.compile("sgd")
    for monitor in monitored:
        callback = {
            "stop": keras.callbacks.EarlyStopping,
            "slow": keras.callbacks.ReduceLROnPlateau,
            "keep": lambda monitor: keras.callbacks.ModelCheckpoint(
                tmp_path / "best.keras", monitor, save_best_only=True
            ),
        }[kind](monitor=monitor)
        callback.set_model(model)
        callback.on_train_begin()
        callback.on_epoch_end(0, {monitor: 2.0})
        higher_is_better = monitor == "val_accuracy"
        assert callback.monitor_op(3.0, 2.0) == higher_is_better


def test_a_copy_starts_where_it_started():
    metric = MixtureScore([-1.0, -2.0])
    metric.log_weights.assign([0.0, 0.0])
    copy = MixtureScore.from_config(metric.get_config())
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(copy.log_weights), [-1.0, -2.0]
    )
