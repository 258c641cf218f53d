"""Batch norms whose rows are divided into groups, against NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import (
    FusedBatchNormalization,
    MemberBatchNormalization,
    row_groups,
)

OPTIONS = {"momentum": 0.8, "epsilon": 1e-3}
CHANNELS = 3
KINDS = {"shared": FusedBatchNormalization, "own": MemberBatchNormalization}


def rows(members, count, space):
    """Rows of members, each with its own mean and spread."""
    rng = np.random.default_rng(count)
    shape = (members, count, *space, CHANNELS)
    level = np.arange(members * count).reshape(shape[:2])
    level = level.reshape(*shape[:2], *[1] * (len(space) + 1))
    return level + (1 + level) * rng.normal(size=shape)


def scattered(layer, shape):
    layer.build(shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.weights])
    return [np.array(w, "float64") for w in layer.get_weights()]


def twin(x, weights, group, alike):
    """The outputs and the new moving averages of (M, B, …, C), in NumPy."""
    gamma, beta, *averages = (w.reshape(-1, CHANNELS) for w in weights)
    members, count = x.shape[:2]
    y, moments = np.empty_like(x), np.zeros((2, len(gamma), CHANNELS))
    for m in range(1 if alike else members):
        chosen = slice(None) if alike else slice(m, m + 1)
        for start in range(0, count, group):
            part = x[chosen, start : start + group]
            axes = tuple(range(x.ndim - 1))
            mean, variance = part.mean(axes), part.var(axes)
            normed = (part - mean) / np.sqrt(variance + 1e-3)
            y[chosen, start : start + group] = gamma[m] * normed + beta[m]
            share = part.shape[1] / count
            moments[:, m] += share * np.stack([mean, variance])
    moved = [0.8 * a + 0.2 * v for a, v in zip(averages, moments, strict=True)]
    return y, moved


@pytest.mark.parametrize("space", [(), (2, 3)])
@pytest.mark.parametrize(("count", "group"), [(6, 2), (7, 3), (3, 8)])
@pytest.mark.parametrize("kind", KINDS)
def test_twin_in_numpy(kind, count, group, space):
    x = rows(2, count, space)
    flat = x.reshape(-1, *x.shape[2:]).astype("float32")
    layer = KINDS[kind](ensemble_size=2, group_size=group, **OPTIONS)
    weights = scattered(layer, (None, *flat.shape[1:]))
    y, moved = twin(x, weights, group, kind == "shared")
    found = keras.ops.convert_to_numpy(layer(flat, training=True))
    np.testing.assert_allclose(found.reshape(y.shape), y, rtol=1e-4, atol=1e-4)
    for weight, wanted in zip(layer.get_weights()[2:], moved, strict=True):
        np.testing.assert_allclose(weight, wanted.ravel(), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_unknown_size(kind):
    x = rows(2, 5, (2, 2)).reshape(-1, 2, 2, CHANNELS).astype("float32")
    layer = KINDS[kind](ensemble_size=2, group_size=2, **OPTIONS)
    scattered(layer, (None, *x.shape[1:]))
    wanted = keras.ops.convert_to_numpy(layer(x, training=True))

    class Trained(keras.layers.Layer):
        def call(self, inputs):
            return layer(inputs, training=True)

        def compute_output_shape(self, input_shape):
            return input_shape

    inputs = keras.Input(x.shape[1:])
    network = keras.Model(inputs, Trained()(inputs))
    found = network.predict(x, batch_size=10, verbose=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_and_frozen_layers_know_no_groups(kind):
    x = rows(2, 4, ()).reshape(-1, CHANNELS).astype("float32")
    plain, grouped = (
        KINDS[kind](ensemble_size=2, group_size=g, **OPTIONS) for g in (0, 2)
    )
    for layer in (plain, grouped):
        scattered(layer, x.shape)
    wanted = keras.ops.convert_to_numpy(plain(x))
    np.testing.assert_allclose(grouped(x), wanted, rtol=1e-5)
    grouped.trainable = False
    np.testing.assert_allclose(grouped(x, training=True), wanted, rtol=1e-5)


def test_channels_alone_may_lack_scale_and_center():
    layer = FusedBatchNormalization(group_size=2, scale=False, center=False)
    x = rows(1, 4, ())[0].astype("float32")
    y = keras.ops.convert_to_numpy(layer(x, training=True))
    for half in (y[:2], y[2:]):
        np.testing.assert_allclose(half.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(half.std(axis=0), 1, rtol=1e-2)


def test_the_layer_of_one_member_keeps_its_groups():
    layer = MemberBatchNormalization(2, group_size=4, name="norm", **OPTIONS)
    scattered(layer, (None, CHANNELS))
    twin = layer.member(1)
    assert twin.layer.name == "norm" and twin.layer.momentum == 0.8
    assert (twin.layer.group_size, twin.layer.ensemble_size) == (4, 1)
    gamma = np.reshape(layer.get_weights()[0], (2, CHANNELS))[1]
    np.testing.assert_array_equal(twin.weights[0], gamma)


@pytest.mark.parametrize("kind", KINDS)
def test_configurations_of_earlier_versions_have_one_group(kind):
    layer = KINDS[kind](ensemble_size=1, group_size=4)
    config = layer.get_config()
    assert KINDS[kind].from_config(config).group_size == 4
    del config["group_size"]
    assert KINDS[kind].from_config(config).group_size == 0


@pytest.mark.parametrize(
    ("size", "received"), [(-1, "-1"), (1.5, "1.5"), (True, "True")]
)
def test_groups_are_whole_numbers(size, received):
    for kind in KINDS.values():
        with pytest.raises(InputError) as caught:
            kind(ensemble_size=2, group_size=size)
        assert str(caught.value) == (
            "Expected group_size to be a whole number of at least 0. "
            f"Received: group_size={received}. Use 0 for a single group of "
            "all rows."
        )


def test_what_groups_cannot_be_combined_with():
    with pytest.raises(InputError, match="not both"):
        row_groups.check_size(2, True)
    layer = FusedBatchNormalization(group_size=2, axis=1)
    with pytest.raises(InputError, match="axis=1"):
        layer(np.zeros((4, 2, 2), "float32"), training=True)
