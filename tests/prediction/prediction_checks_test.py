"""Bad input to evaluation: one line that names it."""

import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.prediction.prediction_checks import (
    checked_array,
    checked_labels,
    checked_log_weights,
)


def one_line(info):
    message = str(info.value)
    assert message.startswith("Expected ")
    assert " Received: " in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("shape", [(4, 10), (4, 2, 10), (4, 3, 9), (1,) * 4])
def test_wrong_shape_names_both_shapes(shape):
    with pytest.raises(InputError) as info:
        checked_array("logits", np.zeros(shape), "(b, E, K)", (None, 3, 10))
    message = one_line(info)
    assert "(any, 3, 10)" in message
    assert f"logits.shape={shape}" in message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted(value):
    with pytest.raises(InputError) as info:
        checked_array("logits", [1.0, value, value], "(b,)", (None,))
    assert "logits=2 NaN or infinite values of 3" in one_line(info)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, 10], "labels=0 to 10"),
        ([-1, 3], "labels=-1 to 3"),
        ([1, 2, 3], "labels.shape=(3,)"),
        ([[1], [2]], "labels.shape=(2, 1)"),
        ([1.0, 2.0], "labels.dtype=float64"),
    ],
)
def test_bad_labels(labels, told):
    with pytest.raises(InputError) as info:
        checked_labels(labels, 2, 10)
    assert told in one_line(info)


def test_good_labels_of_every_integer_type():
    for dtype in (np.uint8, np.int32, np.int64):
        labels = checked_labels(np.array([0, 9], dtype), 2, 10)
        np.testing.assert_array_equal(labels, [0, 9])
    assert checked_labels(np.zeros(0, int), 0, 10).size == 0


def test_float32_weights_are_normalised_in_float64():
    weights = checked_log_weights(np.log(np.full(3, 1 / 3, np.float32)))
    np.testing.assert_allclose(np.exp(weights).sum(), 1.0, rtol=1e-15)


def test_a_weight_may_be_zero():
    weights = checked_log_weights([-np.inf, 0.0])
    np.testing.assert_array_equal(weights, [-np.inf, 0.0])


@pytest.mark.parametrize(
    "weights", [[0.0, 0.0], [], 0.0, [[0.0]], [np.nan, 0.0], [1e4, 0.0]]
)
def test_weights_that_are_no_distribution(weights):
    with pytest.raises(InputError) as info:
        checked_log_weights(weights)
    assert "log_weights=" in one_line(info)
