"""When a kernel runs; for TensorFlow's see training/kernels_test.py."""

import keras
import numpy as np
import pytest
from keras import ops

from mimo_keras.layers import FusedBatchNormalization

OPTIONS = {"momentum": 0.8, "epsilon": 1e-5}


def images():
    rng = np.random.default_rng(1)
    return (3 + 2 * rng.normal(size=(6, 5, 4, 3))).astype("float32")


def pair(**options):
    """Keras's layer and ours, which has a kernel that records its calls."""
    calls = []

    def fused(x, gamma, beta, epsilon, moments):
        calls.append(moments is None)
        mean, variance = moments or ops.moments(x, (0, 1, 2))
        y = gamma * (x - mean) / ops.sqrt(variance + epsilon) + beta
        return y, mean, variance

    layer = FusedBatchNormalization(**OPTIONS, **options)
    layer.fused = fused
    return keras.layers.BatchNormalization(**OPTIONS, **options), layer, calls


def agree(keras_has, layer, x, training, atol=1e-5):
    for one in (keras_has, layer):
        one.build(x.shape)
        rng = np.random.default_rng(0)
        one.set_weights(
            [rng.uniform(0.5, 2, w.shape) for w in one.get_weights()]
        )
    found, wanted = (
        ops.convert_to_numpy(ops.cast(one(x, training=training), "float32"))
        for one in (layer, keras_has)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=atol)
    for mine, other in zip(
        layer.get_weights(), keras_has.get_weights(), strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_the_kernel_is_given_the_moments_of_prediction_only(training):
    *layers, calls = pair()
    agree(*layers, images(), training)
    assert calls == [training]


@pytest.mark.parametrize(
    "options", [{"scale": False}, {"center": False}, {"axis": 2}]
)
def test_keras_computes_what_the_kernel_does_not(options):
    *layers, calls = pair(**options)
    agree(*layers, images(), True)
    assert not calls


def test_rows_that_are_no_maps():
    *layers, calls = pair()
    agree(*layers, images()[:, 0, 0], True)
    assert not calls


def test_a_frozen_layer_keeps_its_averages():
    keras_has, layer, calls = pair()
    for one in (keras_has, layer):
        one.trainable = False
    agree(keras_has, layer, images(), True)
    assert calls == [False]


def test_low_precision_is_normalised_in_float32():
    *layers, calls = pair(dtype="mixed_bfloat16")
    agree(*layers, ops.cast(images(), "bfloat16"), True, atol=0.02)
    assert calls == [True]
    assert layers[1](images()).dtype == "bfloat16"


def test_keras_computes_where_weights_are_of_low_precision():
    *layers, calls = pair(dtype="bfloat16")
    for training in (True, False):
        outputs = layers[1](ops.cast(images(), "bfloat16"), training=training)
        assert outputs.dtype == "bfloat16"
    assert not calls


def test_a_layer_read_back_has_no_kernel_until_it_is_given_one():
    layer = pair()[1]
    twin = FusedBatchNormalization.from_config(layer.get_config())
    assert twin.fused is None
    assert (twin.momentum, twin.epsilon) == (0.8, 1e-5)
