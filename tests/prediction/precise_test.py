"""The shared NumPy operations, against SciPy and cases worked by hand."""

import ml_dtypes
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mimo_keras.prediction import precise

HUGE = st.floats(-1e4, 1e4, width=32)
LOGITS = hnp.arrays(np.float32, (4, 3, 5), elements=HUGE)
WEIGHTS = np.log([0.5, 0.3, 0.2])


@settings(max_examples=60, deadline=None)
@given(LOGITS)
def test_agrees_with_scipy_at_any_size_of_logits(logits):
    wide = logits.astype(np.float64)
    members = precise.log_softmax(logits)
    np.testing.assert_allclose(
        members, scipy.special.log_softmax(wide, axis=-1), atol=1e-9
    )
    mixture = precise.log_mixture(members, WEIGHTS)
    np.testing.assert_allclose(
        mixture,
        scipy.special.logsumexp(members + WEIGHTS[:, None], axis=1),
        rtol=1e-12,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        precise.entropy(mixture),
        scipy.stats.entropy(np.exp(mixture), axis=-1),
        atol=1e-12,
    )


@settings(max_examples=60, deadline=None)
@given(LOGITS, st.permutations(range(3)))
def test_the_order_of_the_members_changes_no_bit(logits, order):
    members = precise.log_softmax(logits)
    np.testing.assert_array_equal(
        precise.log_mixture(members, WEIGHTS),
        precise.log_mixture(members[:, order], WEIGHTS[order]),
    )


@settings(max_examples=60, deadline=None)
@given(LOGITS)
def test_mutual_information_lies_between_zero_and_log_of_members(logits):
    uniform = np.full(3, -np.log(3))
    members = precise.log_softmax(logits)
    information = precise.mutual_information(members, uniform)
    assert np.all(information >= 0)
    assert np.all(information <= np.log(3) + 1e-12)


def test_mixture_of_two_members_by_hand():
    members = np.log([[[0.5, 0.5], [0.25, 0.75]]])
    mixture = precise.log_mixture(members, np.log([0.5, 0.5]))
    np.testing.assert_allclose(np.exp(mixture), [[0.375, 0.625]])
    # H(3/8) - (H(1/2) + H(1/4)) / 2, in nats.
    information = (
        0.6615632381579821 - (0.6931471805599453 + 0.562335144618808) / 2
    )
    np.testing.assert_allclose(
        precise.mutual_information(members, np.log([0.5, 0.5])),
        [information],
    )


def test_mutual_information_weighs_the_members():
    members = precise.log_softmax([[[1e4, -1e4], [0.0, 0.0]]])
    # The mean is (5/8, 3/8); three quarters of the weight have log 2.
    mean = -(0.625 * np.log(0.625) + 0.375 * np.log(0.375))
    weights = np.log([0.25, 0.75])
    np.testing.assert_allclose(
        precise.mutual_information(members, weights),
        [mean - 0.75 * np.log(2)],
    )


def test_opposite_certain_members_tell_one_bit():
    members = precise.log_softmax([[[1e4, -1e4], [-1e4, 1e4]]])
    information = precise.mutual_information(members, np.log([0.5, 0.5]))
    np.testing.assert_allclose(information, [np.log(2)])


def test_a_weight_of_zero_leaves_the_other_member():
    members = precise.log_softmax([[[1.0, 2.0], [3.0, -4.0]]])
    with np.errstate(divide="ignore"):
        weights = np.log([0.0, 1.0])
    np.testing.assert_array_equal(
        precise.log_mixture(members, weights), members[:, 1]
    )


def test_no_probability_exceeds_one():
    members = precise.log_softmax(np.full((1, 3, 2), [50.0, -50.0]))
    for weights in np.random.default_rng(0).dirichlet(np.ones(3), size=50):
        mixture = precise.log_mixture(members, np.log(weights))
        assert -1e-15 < mixture.max() <= 0.0


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.float32])
def test_low_precision_input_is_computed_in_float64(dtype):
    logits = np.array([[300.0, 1.5, -300.0]]).astype(dtype)
    result = precise.log_softmax(logits)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, [[0.0, -298.5, -600.0]], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(LOGITS, st.permutations(range(3)))
def test_averaged_logits_are_those_before_the_softmax(logits, order):
    members = precise.log_softmax(logits)
    weights = np.exp(WEIGHTS)
    mean = np.einsum("e,nek->nk", weights, logits.astype(np.float64))
    found = precise.log_mixture(members, WEIGHTS, "logits")
    np.testing.assert_allclose(
        found, scipy.special.log_softmax(mean, axis=-1), atol=1e-9
    )
    np.testing.assert_array_equal(
        found,
        precise.log_mixture(members[:, order], WEIGHTS[order], "logits"),
    )
