"""ResNet-50 v1.5: its cost, worked by hand, and its values, recomputed."""

import functools
import itertools

import keras
import numpy as np
import pytest
from keras import ops

import mimo_keras
from mimo_keras import backbones, keras_internals, methods
from mimo_keras.errors import InputError
from mimo_keras.evaluation import costs

BLOCKS = (3, 4, 6, 3)


def network(name="resnet50", side=224, classes=1000):
    inputs = keras.Input((side, side, 3))
    features, endpoints = backbones.get(name).features(inputs, backbones.Kit())
    outputs = keras.layers.Dense(classes)(features)
    return keras.Model(inputs, outputs), endpoints


@functools.cache
def unfilled():
    """The network without initialized weights, to save memory and time."""
    with keras_internals.without_values():
        return network()


def convolutions(width):
    """(inputs, outputs, kernel side, output side) at 224x224, in order."""
    yield 3, 64 * width, 7, 112
    channels = 64 * width
    for group, blocks in enumerate(BLOCKS):
        inner, side = 64 * width * 2**group, 56 // 2**group
        for block in range(blocks):
            # Version 1.5: the first 1x1 still sees the larger map.
            first = side * 2 if block == 0 and group > 0 else side
            yield channels, inner, 1, first
            yield inner, inner, 3, side
            yield inner, 4 * inner, 1, side
            if block == 0:
                yield channels, 4 * inner, 1, side
            channels = 4 * inner


def test_parameters_and_multiply_adds():
    layers = list(convolutions(width=1))
    built, _ = unfilled()
    # Each kernel, each norm's gamma and beta, the head.
    by_hand = sum(i * o * k * k + 2 * o for i, o, k, _ in layers)
    parameters = by_hand + 2048 * 1000 + 1000
    assert parameters == costs.trainable_parameters(built)
    by_hand = sum(i * o * k * k * side * side for i, o, k, side in layers)
    adds = by_hand + 2048 * 1000
    assert adds == costs.multiply_adds(built)
    # As reported by torchvision for its resnet50: 4.089 GFLOPS.
    assert (parameters, adds) == (25_557_032, 4_089_184_256)


@pytest.mark.parametrize("name", ["resnet50_2", "wide_resnet50"])
def test_width_is_a_factor_on_all_filters(name):
    backbone = backbones.get(name)
    x = inputs = keras.Input((32, 32, 3))
    with keras_internals.without_values():
        for piece in (backbone.stem, *backbone.stages[:2]):
            x = piece(x, backbones.Kit())
    # The stem, three blocks and four with four layers or three.
    layers = list(convolutions(width=2))[: 1 + 10 + 13]
    assert layers[0][1] == 128 and x.shape[-1] == 1024
    by_hand = sum(i * o * k * k + 2 * o for i, o, k, _ in layers)
    assert costs.trainable_parameters(keras.Model(inputs, x)) == by_hand


def test_endpoints_are_the_stem_and_four_groups():
    _, endpoints = unfilled()
    assert {name: tuple(x.shape[1:]) for name, x in endpoints.items()} == {
        "stem": (56, 56, 64),
        "stage_0": (56, 56, 256),
        "stage_1": (28, 28, 512),
        "stage_2": (14, 14, 1024),
        "stage_3": (7, 7, 2048),
    }


def test_names_are_listed_and_width_0_is_refused():
    assert {"resnet50[_{width}]", "wide_resnet50"} <= set(
        mimo_keras.list_backbones()
    )
    with pytest.raises(InputError, match="a width of at least 1. Received"):
        backbones.get("resnet50_0")


def twin(weights, x):
    """The logits, from the weights in the order of the layers' creation."""

    def conv(x, strides=1, padding="same"):
        kernel = next(weights)
        y = ops.conv(x, kernel, strides, padding)
        gamma, beta, mean, variance = itertools.islice(weights, 4)
        return (y - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    x = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)))
    x = ops.relu(conv(x, 2, "valid"))
    x = ops.max_pool(x, 3, 2, "same")
    for group, blocks in enumerate(BLOCKS):
        for block in range(blocks):
            strides = 2 if block == 0 and group > 0 else 1
            y = ops.relu(conv(x))
            y = ops.relu(conv(y, strides))
            y = conv(y)
            x = ops.relu(y + (conv(x, strides) if block == 0 else x))
    kernel, bias = weights
    return ops.matmul(ops.mean(x, axis=(1, 2)), kernel) + bias


def test_values_are_those_of_the_equations():
    built, _ = network(side=48, classes=4)
    rng = np.random.default_rng(0)
    for layer in built.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)
            assert np.all(layer.get_weights()[0] == 1)
            layer.set_weights(
                [rng.uniform(0.5, 1, w.shape) for w in layer.get_weights()]
            )
    # The main path is created before the shortcut.
    made = sorted(
        (layer for layer in built.layers if layer.weights),
        key=lambda layer: _place(layer.name),
    )
    weights = (w for layer in made for w in layer.get_weights())
    images = rng.normal(size=(2, 48, 48, 3)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(built(images)),
        ops.convert_to_numpy(twin(weights, images)),
        rtol=2e-4,
        atol=2e-4,
    )


def _place(name):
    """The position of a layer in the network: its block, then its number."""
    if name.startswith("stem"):
        return (0, name)
    if name.startswith("dense"):
        return (2, name)
    block, _, part = name.rpartition("_block")[2].partition("_")
    kind, number = part[:4], part[4:].replace("_shortcut", "3")
    return (1, name[:6], int(block), number, kind)


@pytest.mark.tensorflow  # Counting is the same on every backend.
def test_two_shared_stages_leave_half_more_compute():
    """Two members then cost about 1.5 networks: TreeNet in table 3."""
    layers = list(convolutions(width=1))
    adds = [i * o * k * k * side * side for i, o, k, side in layers]
    shared = sum(adds[: 1 + 10 + 13])
    whole = sum(adds)
    by_hand = (shared + 2 * (whole - shared)) / whole
    assert by_hand == pytest.approx(1.55, abs=0.01)
    task = methods.Task(backbones.get("resnet50"), (224, 224, 3), 1000, 2)
    with keras_internals.without_values():
        treenet = methods.build("treenet", task, {}).network
    ratio = costs.multiply_adds(treenet) / costs.multiply_adds(unfilled()[0])
    assert ratio == pytest.approx(by_hand, rel=1e-3)
