"""Unmixing against NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import UnmixMembers

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(2, 2, 2, 8)).astype("float32")


def masks():
    """Member 0 owns the left half of row 0, and all of row 1 but a corner."""
    first = np.zeros((2, 4, 4))
    first[0, :, :2] = 1
    first[1] = 1
    first[1, :2, :2] = 0
    return np.stack([first, 1 - first], -1).astype("float32")


# The same at half the size, by hand.
SMALL = np.array([[[1, 0], [1, 0]], [[0, 1], [1, 1]]], float)
OWN = np.stack([SMALL, 1 - SMALL], 1)[..., None]


def unmixed(layer):
    found = layer(FEATURES, masks(), training=True)
    return keras.ops.convert_to_numpy(found)


def test_full_unmixing_leaves_each_member_its_own():
    found = unmixed(UnmixMembers())
    np.testing.assert_allclose(found, FEATURES[:, None] * OWN, rtol=1e-6)


def test_partial_unmixing_takes_the_first_maps():
    found = unmixed(UnmixMembers(fraction=0.25))
    both = np.repeat(FEATURES[:, None], 2, axis=1)
    np.testing.assert_allclose(found[..., :2], (both * OWN)[..., :2], rtol=1e-6)
    np.testing.assert_array_equal(found[..., 2:], both[..., 2:])


@pytest.mark.parametrize(
    ("epoch", "r"), [(0, 0), (25, 0.25), (100, 1), (250, 1)]
)
def test_fadeout_lets_more_and_more_through(epoch, r):
    layer = UnmixMembers(fadeout_epochs=100)
    layer.begin_epoch(epoch, 300)
    wanted = FEATURES[:, None] * (OWN + r * (1 - OWN))
    np.testing.assert_allclose(unmixed(layer), wanted, rtol=1e-5, atol=1e-6)


def test_prediction_masks_nothing():
    found = keras.ops.convert_to_numpy(UnmixMembers()(FEATURES, masks()))
    np.testing.assert_array_equal(found, np.repeat(FEATURES[:, None], 2, 1))


def test_a_member_with_any_part_reads_the_whole_position():
    """Around a box several members are mixed; in a linear mix all are."""
    shares = np.full((2, 4, 4, 3), 1 / 3, "float32")
    shares[..., 2] = 0
    found = UnmixMembers()(FEATURES, shares, training=True)
    found = keras.ops.convert_to_numpy(found)
    np.testing.assert_array_equal(found[:, 0], FEATURES)
    np.testing.assert_array_equal(found[:, 1], FEATURES)
    np.testing.assert_array_equal(found[:, 2], 0 * FEATURES)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8)])
def test_masks_fit_any_map(size):
    features = np.ones((2, *size, 1), "float32")
    found = UnmixMembers()(features, masks(), training=True)
    found = keras.ops.convert_to_numpy(found)
    assert found.shape == (2, 2, *size, 1)
    assert set(np.unique(found)) <= {0, 1}
    np.testing.assert_array_equal(found.sum(1), features)


def test_other_interpolations_keep_shares():
    features = np.ones((2, 2, 2, 1), "float32")
    layer = UnmixMembers(interpolation="bilinear")
    found = keras.ops.convert_to_numpy(layer(features, masks(), training=True))
    np.testing.assert_allclose(found.sum(1), features, rtol=1e-6)


@pytest.mark.parametrize(
    "options", [{"fraction": 1.5}, {"fraction": -0.1}, {"fadeout_epochs": -1}]
)
def test_bad_options(options):
    with pytest.raises(InputError, match=next(iter(options))):
        UnmixMembers(**options)


def test_pooled_features_come_too_late():
    with pytest.raises(InputError, match="before the map is pooled"):
        UnmixMembers()(FEATURES[:, 0, 0], masks())
