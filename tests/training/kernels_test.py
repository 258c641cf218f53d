"""Kernels of backends, against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras import keras_internals
from mimo_keras.layers import FusedBatchNormalization
from mimo_keras.training import kernels

OPTIONS = {"momentum": 0.8, "epsilon": 1e-5}
ROWS = (6, 5, 4, 3)


def pair(**options):
    """Keras's layer and ours with the kernel, with equal random weights."""
    inputs = keras.Input(ROWS[1:])
    made = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(**OPTIONS, **options)
        model = keras.Model(inputs, layer(inputs))
        rng = np.random.default_rng(0)
        layer.set_weights(
            [rng.uniform(0.5, 2, w.shape) for w in layer.get_weights()]
        )
        kernels.give_kernels(model)
        made.append(layer)
    return made


def images(seed=1):
    rng = np.random.default_rng(seed)
    return (3 + 2 * rng.normal(size=ROWS)).astype("float32")


@pytest.mark.parametrize("training", [True, False])
def test_outputs_averages_and_gradients_are_those_of_keras(training):
    found = []
    for layer in pair():
        x = tf.constant(images())
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(y**3)
        wanted = [x, *(v.value for v in layer.trainable_variables)]
        found.append([y, *tape.gradient(loss, wanted), *layer.get_weights()])
    for keras_has, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, keras_has, rtol=2e-4, atol=2e-3)


def test_it_is_the_equation():
    _, layer = pair()
    gamma, beta, mean, variance = (w.copy() for w in layer.get_weights())
    x = images().astype("float64")
    axes = (0, 1, 2)
    wanted = gamma * (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5) + beta
    np.testing.assert_allclose(
        layer(images(), training=True), wanted, rtol=1e-4, atol=1e-5
    )
    # The variance is that of the rows, without Bessel's correction.
    moved = [
        0.8 * mean + 0.2 * x.mean(axes),
        0.8 * variance + 0.2 * x.var(axes),
    ]
    np.testing.assert_allclose(layer.get_weights()[2:], moved, rtol=1e-5)


def norms(network):
    return [
        layer
        for layer in keras_internals.layers_within(network)
        if isinstance(layer, FusedBatchNormalization)
    ]


def test_models_have_it_when_made_loaded_and_served(tmp_path):
    model = mimo_keras.create_model(
        "mimo",
        backbone="wide_resnet_10_1",
        input_shape=(8, 8, 1),
        num_classes=3,
        ensemble_size=2,
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for network in (model.network, loaded.network, loaded.predictor().network):
        found = norms(network)
        assert len(found) == 7
        assert all(one.fused is kernels.fused_batch_norm for one in found)
