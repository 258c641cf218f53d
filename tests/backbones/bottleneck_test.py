"""The bottleneck block, layer by layer."""

import keras
import numpy as np
import pytest

from mimo_keras.backbones import Kit, bottleneck


def built(channels, filters, strides, inner):
    x = keras.Input((8, 8, channels))
    kit = Kit().named("a_")
    return keras.Model(
        x, bottleneck.block(x, kit, filters, strides, inner=inner)
    )


@pytest.mark.parametrize("inner", [1, 2])
@pytest.mark.parametrize(("channels", "strides"), [(16, 1), (16, 2), (8, 1)])
def test_convolutions_and_shortcut(channels, strides, inner):
    network = built(channels, 4, strides, inner)
    found = {
        layer.name: (layer.filters, layer.kernel_size[0], layer.strides[0])
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    }
    wanted = {
        "a_conv0": (4 * inner, 1, 1),
        "a_conv1": (4 * inner, 3, strides),
        "a_conv2": (16, 1, 1),
    }
    if (channels, strides) != (16, 1):
        wanted["a_conv_shortcut"] = (16, 1, strides)
    assert found == wanted
    assert network.output_shape == (None, 8 // strides, 8 // strides, 16)


def test_a_block_that_computes_nothing_is_relu():
    network = built(16, 4, 1, 2)
    last = network.get_layer("a_norm2")
    last.gamma.assign(np.zeros(16))
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 16)).astype("float32")
    found = keras.ops.convert_to_numpy(network(x))
    np.testing.assert_allclose(found, np.maximum(x, 0), atol=1e-6)


def test_the_top_is_the_mean_over_space():
    x = keras.Input((3, 5, 2))
    network = keras.Model(x, bottleneck.top(x, Kit()))
    values = np.random.default_rng(0).normal(size=(2, 3, 5, 2))
    found = keras.ops.convert_to_numpy(network(values.astype("float32")))
    np.testing.assert_allclose(found, values.mean((1, 2)), atol=1e-6)
