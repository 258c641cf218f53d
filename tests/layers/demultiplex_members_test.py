"""DataMUX's demultiplexer against NumPy."""

import keras
import numpy as np

from mimo_keras.layers import DemultiplexMembers

RNG = np.random.default_rng(0)


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def test_each_member_has_a_perceptron():
    features = RNG.normal(size=(5, 6)).astype("float32")
    layer = DemultiplexMembers(2, units=4, hidden_units=3)
    layer.build(features.shape)
    for bias in layer.biases:
        bias.assign(RNG.normal(size=bias.shape))
    found = numpy(layer(features))
    for member in range(2):
        (v, w), (a, b) = (
            [numpy(x)[member] for x in group]
            for group in (layer.kernels, layer.biases)
        )
        wanted = np.maximum(features @ v + a, 0) @ w + b
        np.testing.assert_allclose(
            found[:, member], wanted, rtol=1e-4, atol=1e-5
        )


def test_perceptrons_start_with_he_normals_variance():
    layer = DemultiplexMembers(4, units=200, hidden_units=300)
    layer.build((None, 100))
    for kernel, fan_in in zip(layer.kernels, (100, 300), strict=True):
        np.testing.assert_allclose(
            numpy(kernel).std(), np.sqrt(2 / fan_in), rtol=0.03
        )


def test_the_cost_by_hand():
    layer = DemultiplexMembers(3, 4, hidden_units=5)
    assert layer.multiply_adds((1, 6), (1, 3, 4)) == 3 * (6 * 5 + 5 * 4)
