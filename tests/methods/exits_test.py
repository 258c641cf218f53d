"""Features of one width at every stage."""

import keras
import numpy as np

from mimo_keras import backbones, methods
from mimo_keras.backbones import Kit
from mimo_keras.layers import DenseMultihead
from mimo_keras.methods import exits


def task(members=2):
    backbone = backbones.get("wide_resnet_10_1")
    return methods.Task(backbone, (8, 8, 3), 4, members)


def test_every_exit_has_the_width_of_the_last_features():
    x = keras.Input((8, 8, 3))
    features = exits.exit_features(task(), x, Kit())
    assert [f.shape for f in features] == [(None, 64)] * 3
    network = keras.Model(x, features)
    conv = network.get_layer("exit0_conv")
    assert (conv.kernel_size, conv.use_bias) == ((1, 1), True)


def test_an_exit_is_convolution_norm_relu_and_mean():
    x = keras.Input((8, 8, 3))
    features = exits.exit_features(task(), x, Kit())
    network = keras.Model(x, features)
    tapped = keras.Model(x, [network.get_layer("stage_0").output, features[0]])
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 3))
    first, found = map(
        keras.ops.convert_to_numpy, tapped(images.astype("float32"))
    )
    kernel, bias = network.get_layer("exit0_conv").get_weights()
    # Initially a norm divides by √(1 + 1e-5).
    mapped = (first @ kernel[0, 0] + bias) / np.sqrt(1 + 1e-5)
    wanted = np.maximum(mapped, 0).mean((1, 2))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_heads_are_shared_and_depth_major():
    first, second = keras.Input((5,)), keras.Input((5,))
    heads = DenseMultihead(4, 2)
    network = keras.Model(
        [first, second], exits.shared_heads([first, second], heads)
    )
    a, b = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    found = keras.ops.convert_to_numpy(network([a, b]))
    np.testing.assert_allclose(found[:, :2], heads(a), rtol=1e-5)
    np.testing.assert_allclose(found[:, 2:], heads(b), rtol=1e-5)
    assert len(network.trainable_weights) == 2
