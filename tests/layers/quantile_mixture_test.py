"""Quantiles that never cross: values by hand, any outputs, and files."""

import json

import keras
import numpy as np
import pytest

from mimo_keras.layers import QuantileMixture

LEVELS = (0.1, 0.4, 0.6, 0.9)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_gaps_are_softplus_around_the_middle():
    """Two numbers; gaps of 1, 2, 3 and of 4, 5, 6 from the third level."""
    gaps = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    raw = np.log(np.expm1(gaps)).ravel()
    outputs = np.array([[[10.0, 20.0, *raw]]], "float32")
    kind = QuantileMixture(LEVELS)
    found = kind.predictions(outputs, np.ones(1, "float32"))
    wanted = [[[7.0, 11.0], [8.0, 15.0], [10.0, 20.0], [13.0, 26.0]]]
    np.testing.assert_allclose(array(found["quantiles"]), wanted, rtol=1e-5)
    np.testing.assert_allclose(array(found["median"]), [[10.0, 20.0]])
    assert array(kind.activated(outputs)).tolist() == [[[10.0, 20.0]]]


def test_quantiles_are_averaged_at_each_level():
    outputs = np.random.default_rng(0).normal(0, 3, (5, 3, 8)).astype("float32")
    weights = np.array([0.5, 0.3, 0.2], "float32")
    found = QuantileMixture(LEVELS).predictions(outputs, weights)
    members = array(found["member_quantiles"])
    assert members.shape == (5, 3, 4, 2)
    np.testing.assert_allclose(
        array(found["quantiles"]),
        np.einsum("e,beqd->bqd", weights, members),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_they_never_cross(scale):
    draw = np.random.default_rng(0)
    outputs = draw.normal(0, scale, (50, 2, 8)).astype("float32")
    found = QuantileMixture(LEVELS).quantiles(outputs)
    assert (np.diff(array(found), axis=-2) >= 0).all()


def test_one_level_is_the_output():
    outputs = np.array([[[3.0]]], "float32")
    found = QuantileMixture((0.2,)).quantiles(outputs)
    assert array(found).tolist() == [[[[3.0]]]]


def test_keras_saves_it():
    kind = QuantileMixture(LEVELS)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(kind)))
    assert keras.saving.deserialize_keras_object(config) == kind
