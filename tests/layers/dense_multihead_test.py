"""DenseMultihead is M dense layers that read the same features."""

import keras
import numpy as np
import pytest

from mimo_keras import evaluation
from mimo_keras.errors import InputError
from mimo_keras.layers import DenseMultihead


def filled(layer, features):
    """Builds a layer with random weights and input."""
    rng = np.random.default_rng(0)
    layer.build((None, features))
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer, rng.normal(size=(4, features)).astype("float32")


@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("use_bias", [True, False])
def test_head_m_is_a_dense_layer_with_its_columns(heads, use_bias):
    units, features = 5, 7
    layer, inputs = filled(
        DenseMultihead(units, heads=heads, use_bias=use_bias), features
    )
    outputs = keras.ops.convert_to_numpy(layer(inputs))
    assert outputs.shape == (4, heads, units)
    assert len(layer.weights) == 1 + use_bias
    for head in range(heads):
        dense = keras.layers.Dense(units, use_bias=use_bias)
        dense.build((None, features))
        columns = slice(head * units, (head + 1) * units)
        dense.set_weights([w[..., columns] for w in layer.get_weights()])
        np.testing.assert_allclose(
            outputs[:, head],
            keras.ops.convert_to_numpy(dense(inputs)),
            rtol=1e-5,
            atol=1e-5,
        )


def test_two_heads_by_hand():
    layer = DenseMultihead(2, heads=2)
    layer.build((None, 2))
    kernel = [[1, 0, 2, 0], [0, 1, 0, -1]]
    layer.set_weights([np.array(kernel), np.array([0, 0, 0, 10])])
    outputs = layer(np.array([[3, 4]], "float32"))
    wanted = [[[3, 4], [6, 6]]]
    assert keras.ops.convert_to_numpy(outputs).tolist() == wanted


@pytest.mark.parametrize("heads", [1, 8])
def test_kernel_starts_like_that_of_one_dense_layer(heads):
    layer = DenseMultihead(100, heads=heads)
    layer.build((None, 400))
    kernel, bias = layer.get_weights()
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    # he_normal is truncated at 2 of its own standard deviations.
    assert np.abs(kernel).max() < 2 * np.sqrt(2 / 400) / 0.8796
    assert not bias.any()


def test_initializers_are_used():
    layer = DenseMultihead(
        2, heads=2, kernel_initializer="ones", bias_initializer="ones"
    )
    outputs = layer(np.ones((1, 3), "float32"))
    assert keras.ops.convert_to_numpy(outputs).tolist() == [[[4, 4], [4, 4]]]


def test_multiply_adds_are_features_times_heads_times_units():
    layer = DenseMultihead(10, heads=3)
    assert layer.multiply_adds((1, 640), (1, 3, 10)) == 640 * 3 * 10
    inputs = keras.Input((640,))
    network = keras.Model(inputs, layer(inputs))
    assert evaluation.multiply_adds(network) == 640 * 3 * 10


@pytest.mark.parametrize("name", ["units", "heads"])
def test_less_than_one_is_an_error(name):
    with pytest.raises(InputError) as caught:
        DenseMultihead(**{"units": 2, "heads": 2, name: 0})
    assert str(caught.value) == (
        f"Expected {name} of at least 1. Received: {name}=0. Raise it."
    )


def test_a_feature_map_is_refused():
    with pytest.raises(ValueError, match="expected max_ndim=3, found ndim=4"):
        DenseMultihead(2, heads=2)(np.zeros((1, 4, 4, 3), "float32"))
