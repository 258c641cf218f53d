"""small_cnn is three convolutions, each with ReLU and 2x2 max pooling."""

import keras
import numpy as np
import pytest

from mimo_keras import evaluation
from mimo_keras.backbones.small_cnn import small_cnn
from mimo_keras.errors import InputError
from tests.backbones import numpy_twins as twins


@pytest.mark.parametrize("size", [8, 13])
def test_equals_numpy(build, images, size):
    network = build("small_cnn", (size, size, 3))
    x = inputs = images(2, size, size, 3)
    weights = iter(network.get_weights())
    for name in ("stem", "stage_0", "stage_1"):
        kernel, bias = next(weights), next(weights)
        x = twins.max_pool(twins.relu(twins.conv(x, kernel, bias=bias)))
        np.testing.assert_allclose(
            network(inputs)[name], x, rtol=1e-4, atol=1e-4
        )
    features = keras.ops.convert_to_numpy(network(inputs)["features"])
    np.testing.assert_allclose(features, x.reshape(2, -1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("backbone", "width"), [("small_cnn", 1), ("small_cnn_3", 3)]
)
def test_filters_are_16_32_32_times_the_width(build, backbone, width):
    network = build(backbone, (32, 32, 3))
    a, b, c = (filters * width for filters in (16, 32, 32))
    shapes = {k: v.shape[1:] for k, v in network.output.items()}
    assert shapes == {
        "stem": (16, 16, a),
        "stage_0": (8, 8, b),
        "stage_1": (4, 4, c),
        "features": (4 * 4 * c,),
    }
    parameters = 9 * (3 * a + a * b + b * c) + a + b + c
    assert evaluation.trainable_parameters(network) == parameters
    assert network.count_params() == parameters


def test_width_0_is_an_error():
    with pytest.raises(InputError) as caught:
        small_cnn(0)
    assert str(caught.value) == (
        "Expected a width of at least 1. Received: backbone=small_cnn_0. "
        "Use, for example, small_cnn or small_cnn_2."
    )


def test_images_that_would_vanish_are_an_error(build):
    with pytest.raises(InputError) as caught:
        build("small_cnn", (7, 32, 3))
    assert str(caught.value) == (
        "Expected images of at least 8x8 for small_cnn. Received: a map of "
        "1x8 before pooling 3. Use larger images, or the backbone mlp."
    )
