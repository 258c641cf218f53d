"""Thresholds and their bounds, by hand and against SciPy."""

import keras
import numpy as np
import pytest
from scipy.stats import binom

from mimo_keras.errors import InputError
from mimo_keras.prediction import Abstention, abstaining

CONFIDENCE = np.array([0.9, 0.8, 0.8, 0.7, 0.6, 0.5])
CORRECT = np.array([True, True, False, True, False, False])


@pytest.mark.parametrize(("wrong", "count"), [(0, 50), (3, 60), (59, 60)])
def test_the_bound_is_the_rate_that_makes_so_few_errors_rare(wrong, count):
    bound = abstaining.upper_bound(wrong, count, 0.05)
    assert binom.cdf(wrong, count, bound) == pytest.approx(0.05, abs=1e-9)
    assert abstaining.upper_bound(count, count) == 1.0


@pytest.mark.parametrize(
    ("coverage", "wanted"),
    [
        (0.1, (0.9, 1 / 6, 0.0)),
        (1 / 3, (0.8, 0.5, 1 / 3)),  # Equal confidence is answered together.
        (0.5, (0.8, 0.5, 1 / 3)),
        (0.6, (0.7, 4 / 6, 0.25)),
        (1, (0.5, 1.0, 0.5)),
    ],
)
def test_thresholds_for_a_coverage(coverage, wanted):
    found = abstaining.for_coverage(CONFIDENCE, CORRECT, coverage)
    assert found[:3] == pytest.approx(wanted)
    answered = round(found.coverage * 6)
    assert found.risk_bound == abstaining.upper_bound(
        round(found.risk * answered), answered
    )


def test_a_risk_is_bounded_and_the_coverage_is_large():
    draw = np.random.default_rng(0)
    confidence = draw.random(3000)
    correct = draw.random(3000) < confidence**0.2
    found = abstaining.for_risk(confidence, correct, 0.1)
    assert found.risk < found.risk_bound <= 0.1
    answered = confidence >= found.confidence
    assert answered.mean() == pytest.approx(found.coverage)
    assert (~correct[answered]).mean() == pytest.approx(found.risk)
    # Somewhat more answers have a larger bound.
    more = confidence >= found.confidence - 0.05
    tries = len(confidence).bit_length()
    assert (
        abstaining.upper_bound((~correct[more]).sum(), more.sum(), 0.05 / tries)
        > 0.1
    )


def test_the_bound_holds_as_often_as_it_says():
    draw, failed = np.random.default_rng(1), 0
    for _ in range(200):
        confidence = draw.random(400)
        correct = draw.random(400) < 0.5 + confidence / 2
        found = abstaining.for_risk(confidence, correct, 0.2, delta=0.2)
        # The true risk above t is 1/4 - t/4 on average.
        failed += (1 - found.confidence) / 4 > 0.2
    assert failed / 200 <= 0.2


def test_what_cannot_be_shown_is_one_line():
    with pytest.raises(InputError, match="6 examples, of which 3") as caught:
        abstaining.for_risk(CONFIDENCE, CORRECT, 0.01)
    assert "answers without an error are the least" in str(caught.value)
    for name, call in (
        ("risk", lambda: abstaining.for_risk(CONFIDENCE, CORRECT, 1.5)),
        ("delta", lambda: abstaining.for_risk(CONFIDENCE, CORRECT, 0.1, 0)),
        ("coverage", lambda: abstaining.for_coverage(CONFIDENCE, CORRECT, 0)),
    ):
        with pytest.raises(InputError, match=f"{name} between 0 and 1"):
            call()


def test_it_abstains_below_the_threshold_and_without_a_prediction():
    stage = Abstention(0.75, fitted_on={"risk": 0.1})
    stage = Abstention.from_config(stage.get_config())
    rows = [[0.8, 0.2], [0.75, 0.25], [0.7, 0.3], [np.nan, np.nan]]
    found = stage({"probabilities": np.array(rows, "float32")}, None)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(found["abstain"]),
        [False, False, True, True],
    )
    assert stage.fitted_on == {"risk": 0.1}
