"""Prediction sets and intervals, against the scores in NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras.prediction import Intervals, PredictionSets, conformal
from tests.prediction.examples import mixture, predicted

PROBABILITIES = mixture(predicted(50)[0]).astype("float32")


def sets_of(probabilities, *arguments, **options):
    stage = PredictionSets(*arguments, **options)
    stage = PredictionSets.from_config(stage.get_config())
    found = stage(
        {"probabilities": probabilities, "entropy": probabilities}, None
    )
    assert [*found] == [
        "probabilities",
        "entropy",
        "prediction_set",
        "set_size",
    ]
    inside, size = (
        keras.ops.convert_to_numpy(found[name])
        for name in ("prediction_set", "set_size")
    )
    assert inside.dtype == bool and size.dtype == "int32"
    np.testing.assert_array_equal(size, inside.sum(axis=1))
    return inside


@pytest.mark.parametrize("quantiles", [[0.7], [0.9], [0.2, 0.95, 0.5, 1.0]])
@pytest.mark.parametrize("score", conformal.SCORES)
def test_sets_are_the_classes_of_small_scores(score, quantiles):
    options = {"penalty": 0.05, "free": 1}
    inside = sets_of(PROBABILITIES, quantiles, score, **options)
    scores = conformal.class_scores(PROBABILITIES, score, **options)
    wanted = scores <= np.array(quantiles) + 1e-6
    wanted |= PROBABILITIES.max(axis=1, keepdims=True) <= PROBABILITIES
    np.testing.assert_array_equal(inside, wanted)


def test_an_infinite_quantile_includes_its_class():
    inside = sets_of(PROBABILITIES, [0.0, np.inf, 0.0, 0.0], "aps")
    assert inside[:, 1].all() and not inside.all()


def test_no_class_is_excluded_without_a_prediction():
    nothing = np.full((2, 4), np.nan, "float32")
    assert sets_of(nothing, [0.1], "lac").all()
    assert sets_of(nothing, [0.1], "aps").all()


def test_randomized_sets_are_drawn_and_smaller():
    many = np.repeat(PROBABILITIES, 20, axis=0)
    fixed = sets_of(many, [0.8], "aps")
    drawn = sets_of(many, [0.8], "aps", randomized=True, seed=1)
    # The draw is of the image: a larger u only removes classes.
    assert (drawn >= fixed).all() and (drawn != fixed).any()
    share = drawn.reshape(50, 20, 4).mean(axis=1)
    before = conformal.class_scores(PROBABILITIES, "aps", 0.0)
    # before + u p <= q
    wanted = np.clip((0.8 - before) / PROBABILITIES, 0, 1)
    wanted[np.arange(50), PROBABILITIES.argmax(axis=1)] = 1
    assert np.abs(share - wanted).max() < 0.45
    assert np.mean(share - wanted) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("floor", [None, 0.5])
def test_intervals_by_hand(floor):
    outputs = {
        "mean": np.array([[1.0, -2.0]], "float32"),
        "member_variance": np.array([[4.0, 0.01]], "float32"),
    }
    stage = Intervals([3.0, 1.0], floor)
    found = Intervals.from_config(stage.get_config())(outputs, None)
    half = [3.0, 1.0] if floor is None else [6.0, 0.5]
    mean = np.array([1.0, -2.0])
    np.testing.assert_allclose(found["lower"], [mean - half], atol=1e-5)
    np.testing.assert_allclose(found["upper"], [mean + half], atol=1e-5)
