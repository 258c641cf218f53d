"""Numbers looked up in results."""

import math

import numpy as np
import pytest

from mimo_keras.analysis.lookup import (
    member_values,
    number,
    ood_areas,
    ood_scores,
    severity_curves,
)
from mimo_keras.evaluation import Results


@pytest.mark.parametrize("value", [None, "0.5", True, [0.5]])
def test_what_is_no_number_is_nan(value):
    assert math.isnan(number({"key": value}, "key"))
    assert math.isnan(number({}, "key"))


def test_members_come_in_numeric_order_with_holes_as_nan():
    results = {f"test/nll_member_{i}": i / 10 for i in (10, 2, 0)}
    results = Results.from_flat({**results, "test/accuracy_member_1": 0.5})
    expected = np.full(11, np.nan)
    expected[[0, 2, 10]] = [0.0, 0.2, 1.0]
    np.testing.assert_array_equal(member_values(results, "nll"), expected)
    assert member_values(results, "ece").shape == (0,)


def test_severity_curves_start_at_the_clean_set_and_prefer_stored_means():
    results = {
        "test/nll": 0.1,
        "corrupted/fog_1/nll": 0.2,
        "corrupted/fog_3/nll": 0.6,
        "corrupted/zoom_blur_1/nll": 0.4,
        "corrupted/severity_1/nll": 0.35,
        "corrupted/nll": 9.0,
        "corrupted/fog_1/accuracy": 9.0,
    }
    results = Results.from_flat(results)
    severities, mean, types = severity_curves(results, "nll")
    np.testing.assert_array_equal(severities, [0, 1, 3])
    np.testing.assert_allclose(mean, [0.1, 0.35, 0.6])
    assert list(types) == ["fog", "zoom_blur"]
    np.testing.assert_allclose(types["fog"], [0.1, 0.2, 0.6])
    np.testing.assert_allclose(types["zoom_blur"], [0.1, 0.4, np.nan])


def test_missing_severity_mean_is_the_mean_over_types():
    results = {"corrupted/a_2/ece": 0.2, "corrupted/b_2/ece": 0.4}
    results = Results.from_flat(results)
    severities, mean, _ = severity_curves(results, "ece")
    np.testing.assert_array_equal(severities, [0, 2])
    np.testing.assert_allclose(mean, [np.nan, 0.3])


def test_results_without_corruptions_have_severity_zero_only():
    severities, mean, types = severity_curves(Results(test={"nll": 0.1}), "nll")
    assert (severities.tolist(), mean.tolist(), types) == ([0], [0.1], {})


def test_ood_scores_come_in_pairs():
    arrays = {"ood_in_in": 1, "ood_in_out": 2, "ood_half_in": 3, "other": 4}
    results = Results(ood={"in": {}, "half": {}, "absent": {}})
    assert ood_scores(results, arrays) == {"in": (1, 2)}
    assert ood_scores(Results(), arrays) == {}


def test_areas_are_of_the_sets_that_have_one():
    results = Results(ood={"a": {"auroc": 0.5}, "b": {"auroc": None}, "c": {}})
    assert ood_areas(results, ["a", "b", "c", "d"]) == {"a": 0.5}
