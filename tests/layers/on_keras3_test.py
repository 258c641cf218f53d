"""Helpers of edward2 work on Keras 3."""

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.layers import batch_ensemble
from mimo_keras.layers.on_keras3 import OnKeras3

pytestmark = pytest.mark.tensorflow

INPUTS = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


class Old:
    """Records how its add_weight was called."""

    def add_weight(self, **options):
        return options


class New(OnKeras3, Old):
    """Old, adapted to Keras 3."""


def test_weights_are_asked_for_as_keras_3_takes_it():
    import tensorflow as tf

    asked = New().add_weight(
        "kernel",
        shape=(2,),
        synchronization=tf.VariableSynchronization.AUTO,
        aggregation=tf.VariableAggregation.MEAN,
    )
    assert asked == {"name": "kernel", "shape": (2,), "aggregation": "mean"}


def test_random_sign_is_plus_one_with_its_probability():
    initializer = batch_ensemble.edward2().initializers.get(
        {"class_name": "RandomSign", "config": {"probs": 0.8}}
    )
    values = np.asarray(initializer((100, 100), dtype="float32"))
    assert set(np.unique(values)) == {-1.0, 1.0}
    assert np.mean(values == 1) == pytest.approx(0.8, abs=0.02)


def test_what_edward2_made_is_taken_over():
    edward2 = batch_ensemble.edward2()
    theirs = edward2.initializers.TrainableNormal(mean_initializer="ones")
    layer = layer_of(alpha_initializer=theirs, gamma_initializer=theirs)
    assert layer.alpha_initializer is not theirs
    assert layer.alpha_initializer is not layer.gamma_initializer
    np.testing.assert_array_equal(layer.alpha_initializer.mean, np.ones((3, 4)))
    owners = [layer.alpha_initializer, layer.gamma_initializer]
    assert [len(owner.undecayed_weights) for owner in owners] == [2, 2]
    assert len(layer.trainable_weights) == 6


def test_parts_that_are_keras_own_come_back_with_their_numbers():
    edward2 = batch_ensemble.edward2()
    theirs = edward2.initializers.TrainableNormal(
        mean_initializer=keras.initializers.Constant(3.0),
        stddev_initializer=keras.initializers.Constant(-4.0),
    )
    layer = layer_of(
        alpha_initializer=theirs,
        bias_initializer=keras.initializers.Constant(5.0),
        bias_regularizer=keras.regularizers.L2(0.25),
    )
    twin = type(layer).from_config(layer.get_config())
    twin(INPUTS)
    for each in (layer, twin):
        posterior = each.alpha_initializer
        np.testing.assert_array_equal(posterior.mean, np.full((3, 4), 3.0))
        np.testing.assert_array_equal(posterior.stddev, np.full((3, 4), -4.0))
        np.testing.assert_array_equal(each.ensemble_bias, np.full((3, 7), 5.0))
        assert float(each.ensemble_bias_regularizer.l2) == 0.25


def layer_of(**options):
    layer = layers.DenseRank1(7, ensemble_size=3, **options)
    layer(INPUTS)
    return layer
