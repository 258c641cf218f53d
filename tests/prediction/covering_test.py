"""Fitted sets and intervals, against what they say by hand."""

import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.prediction import conformal, covering, precise
from tests.prediction.examples import WEIGHTS, mixture, predicted

LOGITS, LABELS = predicted(100)
PROBABILITIES = mixture(LOGITS)
OWN = PROBABILITIES[np.arange(100), LABELS]
CLASSES = covering.Examples(
    LOGITS, LABELS, WEIGHTS, lambda: PROBABILITIES, {"examples": 100}
)
MEANS = np.random.default_rng(0).normal(size=(20, 3, 2))
TARGETS = np.arange(40.0).reshape(20, 2)
NUMBERS = covering.Examples(MEANS, TARGETS, WEIGHTS, None, {"examples": 20})


def test_one_quantile_of_all_classes_or_one_of_each():
    options = covering.Options(0.75, "lac")
    stage = covering.class_sets(CLASSES, options)
    # ⌈101 · 0.75⌉ = 76.
    assert stage.quantiles == [pytest.approx(np.sort(1 - OWN)[75])]
    assert stage.fitted_on == {"examples": 100, "coverage": 0.75}
    options = covering.Options(0.75, "lac", by_class=True)
    assert covering.class_sets(CLASSES, options).quantiles == [
        pytest.approx(conformal.quantile((1 - OWN)[k == LABELS], 0.75))
        for k in range(4)
    ]


def test_options_reach_the_stage_and_its_scores():
    options = covering.Options(0.9, "raps", False, True, 0.2, 1, 5)
    stage = covering.class_sets(CLASSES, options)
    config = stage.get_config()
    names = ("score", "penalty", "free", "randomized", "seed")
    assert [config[name] for name in names] == ["raps", 0.2, 1, True, 5]
    draws = np.random.default_rng(5).random((100, 1))
    scores = conformal.class_scores(PROBABILITIES, "raps", draws, 0.2, 1)
    own = scores[np.arange(100), LABELS]
    assert stage.quantiles == [pytest.approx(conformal.quantile(own, 0.9))]


def test_the_smallest_sets_are_the_default():
    assert covering.class_sets(CLASSES, covering.Options()).score == "lac"
    options = covering.Options(randomized=True)
    assert covering.class_sets(CLASSES, options).score == "aps"


def test_sums_of_nearly_one_are_told():
    """Sure predictions: all sums are nearly 1, as far as the quantile is."""
    labels = np.arange(100) % 4
    sure = np.full((100, 4), 1e-9)
    sure[np.arange(100), labels] = 1 - 3e-9
    examples = CLASSES._replace(targets=labels, probabilities=lambda: sure)
    with pytest.warns(UserWarning, match="'aps' hold 4.0 of 4 .*'lac', 1.0"):
        covering.class_sets(examples, covering.Options(0.9, "aps"))


def interval_sets(examples, options):
    moments = precise.moments(examples.outputs, WEIGHTS)
    return covering.intervals(examples, options, *moments)


def intervals(means, *options):
    examples = NUMBERS._replace(outputs=means)
    return interval_sets(examples, covering.Options(*options))


def test_intervals_are_quantiles_of_residuals():
    mean = np.einsum("e,bed->bd", np.exp(WEIGHTS), MEANS)
    residuals = np.sort(np.abs(TARGETS - mean), axis=0)
    stage = intervals(MEANS, 0.9)
    assert stage.floor is None
    np.testing.assert_allclose(stage.quantiles, residuals[18])  # ⌈18.9⌉.
    scaled = intervals(MEANS, 0.9, "normalized")
    spread = np.square(MEANS - mean[:, np.newaxis])
    deviation = np.sqrt(np.einsum("e,bed->bd", np.exp(WEIGHTS), spread))
    assert 0 < scaled.floor < deviation.min()
    wanted = np.sort(np.abs(TARGETS - mean) / deviation, axis=0)[18]
    np.testing.assert_allclose(scaled.quantiles, wanted)


def test_equal_members_have_intervals_by_the_floor():
    stage = intervals(MEANS[:, :1].repeat(3, axis=1), 0.9, "normalized")
    assert stage.floor > 0 and np.isfinite(stage.quantiles).all()


@pytest.mark.parametrize(
    ("fit", "examples", "score", "message"),
    [
        (covering.class_sets, CLASSES, "top", "among lac, aps, raps"),
        (interval_sets, NUMBERS, "aps", "among residual, normalized"),
    ],
)
def test_what_is_not_offered_is_one_line(fit, examples, score, message):
    with pytest.raises(InputError, match=message):
        fit(examples, covering.Options(0.9, score))
    with pytest.raises(InputError, match="coverage between 0 and 1"):
        fit(examples, covering.Options(1.0))
    with pytest.raises(InputError, match="at least 9999 held-out examples"):
        fit(examples, covering.Options(0.9999))
