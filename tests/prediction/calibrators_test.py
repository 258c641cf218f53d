"""Calibrated probabilities, against NumPy."""

import keras
import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from mimo_keras.errors import InputError
from mimo_keras.layers import CategoricalMixture
from mimo_keras.prediction import (
    Isotonic,
    MemberTemperatures,
    Temperature,
    VectorScaling,
)
from tests.prediction.examples import WEIGHTS, mixture, predicted, softmax

LOGITS, LABELS = predicted(30)


def outputs_of(stage, logits=LOGITS):
    logits = logits.astype("float32")
    before = CategoricalMixture().predictions(
        logits, np.exp(WEIGHTS).astype("float32")
    )
    found = stage(before, logits)
    assert found.keys() == before.keys()
    return before, {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}


def check(stage, wanted):
    before, found = outputs_of(stage)
    np.testing.assert_allclose(found["probabilities"], wanted, atol=2e-6)
    np.testing.assert_allclose(
        found["entropy"], -(wanted * np.log(wanted)).sum(axis=1), atol=1e-5
    )
    for name in ("member_probabilities", "mutual_information"):
        np.testing.assert_array_equal(found[name], before[name])
    again = type(stage).from_config(stage.get_config())
    _, same = outputs_of(again)
    np.testing.assert_array_equal(same["probabilities"], found["probabilities"])
    assert again.fitted_on == stage.fitted_on


def test_a_temperature_divides_the_log_of_the_mixture():
    wanted = softmax(np.log(mixture(LOGITS)) / 2.5)
    check(Temperature(2.5, WEIGHTS, fitted_on={"examples": 3}), wanted)


def test_temperature_one_changes_nothing():
    before, found = outputs_of(Temperature(1.0, WEIGHTS))
    np.testing.assert_allclose(
        found["probabilities"], before["probabilities"], atol=1e-6
    )


def test_vectors_scale_and_shift_the_log_of_the_mixture():
    scales, shifts = [0.5, 2.0, 1.0, 0.1], [0.0, -1.0, 0.5, 2.0]
    wanted = softmax(np.log(mixture(LOGITS)) * scales + shifts)
    check(VectorScaling(scales, shifts, WEIGHTS), wanted)


def test_members_with_temperatures_are_mixed_afterwards():
    temperatures = np.array([1.0, 2.0, 5.0])
    cooled = LOGITS / temperatures[:, np.newaxis]
    _, found = outputs_of(MemberTemperatures(temperatures, WEIGHTS))
    np.testing.assert_allclose(
        found["probabilities"], mixture(cooled), atol=1e-6
    )
    np.testing.assert_allclose(
        found["member_probabilities"], softmax(cooled), atol=1e-6
    )


def test_isotonic_curves_are_scikit_learns():
    before = mixture(LOGITS)
    fitted = []
    for k in range(4):
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        fitted.append(curve.fit(before[:, k], k == LABELS))
    # Far inside, on the edge, and outside of what was fitted.
    wanted = np.stack([c.predict(before[:, k]) for k, c in enumerate(fitted)])
    wanted = wanted.T / wanted.T.sum(axis=1, keepdims=True)
    stage = Isotonic(
        [c.X_thresholds_ for c in fitted], [c.y_thresholds_ for c in fitted]
    )
    _, found = outputs_of(stage)
    # A step is as wide as a rounding error of float32.
    close = np.isclose(found["probabilities"], wanted, atol=1e-4).all(axis=1)
    assert close.mean() > 0.9
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, rtol=1e-6)


def test_isotonic_curves_between_and_beyond_their_points():
    stage = Isotonic([[0.2, 0.4, 0.6], [0.5, 0.5001]], [[0, 0.1, 0.9], [0, 0]])
    before = np.array([[0.1, 0.9], [0.3, 0.7], [0.5, 0.5], [0.9, 0.1]])
    found = stage.probabilities({"probabilities": before.astype("f4")}, None)
    # Where all curves are 0, nothing changes.
    wanted = [[0.1, 0.9], [1, 0], [1, 0], [1, 0]]
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found), wanted, atol=1e-6
    )


def test_a_member_of_weight_zero_does_not_count():
    weights = [0.0, -np.inf, -np.inf]
    logits = LOGITS.astype("float32")
    found = Temperature(1.0, weights)({}, logits)["probabilities"]
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found), softmax(LOGITS[:, 0]), atol=1e-6
    )


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_temperatures_are_positive(value):
    with pytest.raises(InputError, match="temperature above 0"):
        Temperature(value, WEIGHTS)
    with pytest.raises(InputError, match="temperatures above 0"):
        MemberTemperatures([1.0, 1.0, value], WEIGHTS)
