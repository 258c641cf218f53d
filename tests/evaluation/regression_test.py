"""Regression errors, against scikit-learn and a case worked by hand."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.errors import InputError
from mimo_keras.evaluation.regression import Regression

GENERATOR = np.random.default_rng(0)
MEANS, TARGETS = (
    GENERATOR.normal(size=(30, 3, 2)),
    GENERATOR.normal(size=(30, 2)),
)
WEIGHTS = np.array([0.5, 0.3, 0.2])


def evaluated(cuts=()):
    metrics = Regression(np.log(WEIGHTS))
    for part in zip(
        np.split(MEANS, cuts), np.split(TARGETS, cuts), strict=True
    ):
        metrics.update(*part)
    return metrics


def test_agrees_with_scikit_learn():
    mean = np.einsum("e,bed->bd", WEIGHTS, MEANS)
    result = evaluated().result()
    error = sklearn.metrics.mean_squared_error
    assert result["mse"] == pytest.approx(error(TARGETS, mean))
    assert result["rmse"] == pytest.approx(error(TARGETS, mean) ** 0.5)
    for e in range(3):
        expected = error(TARGETS, MEANS[:, e])
        assert result[f"mse_member_{e}"] == pytest.approx(expected)
    assert set(result) == {
        *("mse", "rmse", "member_variance"),
        *(f"mse_member_{e}" for e in range(3)),
    }


def test_by_hand():
    metrics = Regression(np.log([0.25, 0.75]))
    metrics.update([[[0.0], [4.0]]], [[1.0]])
    # The mean is 3; members lie 3 and 1 away from it, 1 and 3 from the target.
    assert metrics.result() == pytest.approx(
        {
            "mse": 4.0,
            "rmse": 2.0,
            "mse_member_0": 1.0,
            "mse_member_1": 9.0,
            "member_variance": 0.25 * 9 + 0.75 * 1,
        }
    )


def test_members_errors_split_into_error_and_variance():
    result = evaluated().result()
    members = [result[f"mse_member_{e}"] for e in range(3)]
    assert WEIGHTS @ members == pytest.approx(
        result["mse"] + result["member_variance"]
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=4))
def test_any_split_into_batches_gives_the_same(cuts):
    parts = evaluated(sorted(cuts))
    assert parts.count == 30
    assert parts.result() == pytest.approx(evaluated().result(), rel=1e-12)


def test_targets_of_one_output_may_be_a_vector():
    means = np.array([[[1.0], [3.0]], [[0.0], [2.0]]])
    flat, column = (Regression(np.log([0.5, 0.5])) for _ in range(2))
    flat.update(means, [1.0, 5.0])
    column.update(means, [[1.0], [5.0]])
    assert flat.result() == column.result()
    assert flat.result()["mse"] == pytest.approx((1 + 16) / 2)


@pytest.mark.parametrize(
    ("means", "targets"),
    [
        (MEANS, TARGETS[:, 0]),
        (MEANS, TARGETS[:-1]),
        (MEANS[:, :2], TARGETS),
        (MEANS, TARGETS * np.nan),
    ],
)
def test_bad_input_is_an_error(means, targets):
    with pytest.raises(InputError):
        Regression(np.log(WEIGHTS)).update(means, targets)
