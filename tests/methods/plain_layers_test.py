"""Layers and their shapes, against the built networks."""

import math

import keras
import pytest

from mimo_keras import backbones, methods
from mimo_keras.methods.plain_layers import plain_layers
from tests.methods import small

# Counts are the same on every backend.
pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("backbone", "shape"),
    [
        ("wide_resnet_16_2", (8, 8, 3)),
        ("resnet50", (32, 32, 3)),
        ("small_cnn_2", (8, 8, 1)),
        ("mlp_7_9", (4,)),
    ],
)
def test_it_is_what_the_deterministic_network_has(backbone, shape):
    task = methods.Task(backbones.get(backbone), shape, 4, 1)
    found, norms = plain_layers(task)
    network = small.create("deterministic", backbone, shape=shape).network
    kinds = keras.layers.Conv2D, keras.layers.Dense
    built = {x.name: x for x in network.layers if isinstance(x, kinds)}
    *inner, heads = found
    assert {layer.name for layer in inner} == set(built)
    for layer in inner:
        kernel, *bias = built[layer.name].weights
        assert layer.kernel_shape == tuple(kernel.shape)
        assert layer.bias == (bias[0].shape[0] if bias else 0)
    kernel, bias = network.get_layer("heads").weights
    assert (heads.size, heads.bias) == (kernel.shape[0] * 4, 4)
    assert sum(x.size + x.bias for x in found) + norms == sum(
        math.prod(w.shape) for w in network.trainable_weights
    )
