"""mlp is dense layers with ReLU, on vectors or on flattened images."""

import numpy as np
import pytest

from mimo_keras import evaluation
from mimo_keras.backbones.mlp import mlp
from mimo_keras.errors import InputError
from tests.backbones import numpy_twins as twins


@pytest.mark.parametrize("shape", [(6,), (4, 3, 2)])
@pytest.mark.parametrize(
    ("backbone", "units"),
    [("mlp", (32, 128)), ("mlp_5", (5,)), ("mlp_7_5_3", (7, 5, 3))],
)
def test_equals_numpy(build, images, shape, backbone, units):
    network = build(backbone, shape)
    inputs = images(4, *shape)
    outputs = network(inputs)
    x = inputs.reshape(4, -1).astype("float64")
    weights = iter(network.get_weights())
    for index, width in enumerate(units):
        x = twins.relu(x @ next(weights) + next(weights))
        assert x.shape == (4, width)
        name = f"stage_{index - 1}" if index else "stem"
        np.testing.assert_allclose(outputs[name], x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs["features"], x, rtol=1e-4, atol=1e-5)
    assert next(weights, None) is None


def test_parameters(build):
    network = build("mlp", (6,))
    parameters = 6 * 32 + 32 + 32 * 128 + 128
    assert evaluation.trainable_parameters(network) == parameters


def test_layer_without_units_is_an_error():
    with pytest.raises(InputError) as caught:
        mlp(32, 0)
    assert str(caught.value) == (
        "Expected at least 1 unit in every layer. Received: "
        "backbone=mlp_32_0. Use, for example, mlp or mlp_32_128."
    )
