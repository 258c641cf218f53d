"""Risk and coverage by hand, independent of the order of examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.evaluation import Classification, risk_coverage, selective

CASES = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=40
)


def curve(confidence, correct, points=101):
    with np.errstate(divide="ignore"):
        sums = selective.risk_sums(np.log(confidence), correct)
    return risk_coverage(sums["risk_count"], sums["risk_wrong"], points)


def test_four_answers_by_hand():
    """Right, wrong, right, wrong: risks 0, 1/2, 1/3 and 1/2."""
    found = curve(
        np.array([0.8, 0.95, 0.3, 0.6]), [False, True, False, True], points=5
    )
    np.testing.assert_allclose(found.coverage, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found.risk, [0, 0, 1 / 2, 1 / 3, 1 / 2])
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_confidences_count_as_the_mean_of_their_orders():
    """Right then wrong: 0, 1/2; wrong then right: 1, 1/2."""
    found = curve(np.array([0.7, 0.7]), [True, False], points=3)
    np.testing.assert_allclose(found.risk, [0.5, 0.5, 0.5])
    assert found.area == pytest.approx(0.5)


def test_near_certainty_is_told_apart():
    """1 - p of 1e-9 and 1e-12, both 1 in float32."""
    doubt = np.array([1e-9, 1e-12, 1e-12])
    sums = selective.risk_sums(np.log1p(-doubt), [False, True, True])
    found = risk_coverage(sums["risk_count"], sums["risk_wrong"], points=4)
    np.testing.assert_allclose(found.risk, [0, 0, 0, 1 / 3])


@settings(max_examples=60, deadline=None)
@given(CASES, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_end_is_the_error(cases, draw):
    confidence, correct = map(np.array, zip(*cases, strict=True))
    found = curve(confidence, correct)
    assert found.risk[-1] == pytest.approx(np.mean(~correct))
    assert 0 <= found.area <= 1
    mixed = draw.sample(cases, len(cases))
    again = curve(*map(np.array, zip(*mixed, strict=True)))
    np.testing.assert_array_equal(again.risk, found.risk)
    assert again.area == found.area


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_no_order_is_better_than_all_right_answers_first(correct):
    """And distinct confidences give exactly the cumulative means."""
    correct = np.array(correct)
    count = len(correct)
    confidence = np.linspace(0.9, 0.1, count)
    found = curve(confidence, correct, points=count + 1)
    risks = np.cumsum(~correct) / np.arange(1, count + 1)
    np.testing.assert_allclose(found.risk[1:], risks)
    assert found.area == pytest.approx(risks.mean())
    best = curve(np.where(correct, 0.9, 0.1), correct)
    assert best.area <= found.area + 1e-12


def test_the_sums_do_not_depend_on_batches():
    draw = np.random.default_rng(0)
    logits, labels = draw.normal(size=(30, 2, 4)), draw.integers(4, size=30)
    whole = Classification(4, np.log([0.5, 0.5]))
    whole.update(logits, labels)
    parts = Classification(4, np.log([0.5, 0.5]))
    for start in range(0, 30, 7):
        parts.update(logits[start : start + 7], labels[start : start + 7])
    for name, value in whole.risk_coverage()._asdict().items():
        np.testing.assert_array_equal(
            getattr(parts.risk_coverage(), name), value
        )
    risk = whole.risk_coverage().risk[-1]
    assert risk == pytest.approx(1 - whole.result()["accuracy"])
