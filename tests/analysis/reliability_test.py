"""The reliability diagram draws the given bins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.analysis import reliability_diagram
from mimo_keras.analysis.reliability import calibration_error
from mimo_keras.errors import InputError

_COUNT = np.array([0, 4, 6, 10])
_CONFIDENCE = np.array([np.nan, 0.4, 0.6, 0.9])
_ACCURACY = np.array([np.nan, 0.25, 0.5, 1.0])


def _bars(container):
    return np.array(
        [
            (bar.get_x(), bar.get_width(), bar.get_y(), bar.get_height())
            for bar in container
        ]
    )


def test_bars_are_accuracy_gap_and_count():
    figure = reliability_diagram(_COUNT, _CONFIDENCE, _ACCURACY)
    upper, lower = figure.axes
    accuracy, gap = map(_bars, upper.containers)
    (count,) = map(_bars, lower.containers)
    np.testing.assert_allclose(count[:, 0], [0, 0.25, 0.5, 0.75])
    for bars in (accuracy, gap):
        np.testing.assert_allclose(bars[:, 0], [0.25, 0.5, 0.75])
    for bars in (accuracy, gap, count):
        np.testing.assert_allclose(bars[:, 1], 0.25)
    np.testing.assert_allclose(accuracy[:, 2:], [[0, 0.25], [0, 0.5], [0, 1]])
    np.testing.assert_allclose(
        gap[:, 2:], [[0.25, 0.15], [0.5, 0.1], [0.9, 0.1]]
    )
    np.testing.assert_allclose(count[:, 3], _COUNT)


def test_diagonal_labels_and_title():
    figure = reliability_diagram(_COUNT, _CONFIDENCE, _ACCURACY, title="Here")
    upper, lower = figure.axes
    np.testing.assert_array_equal(upper.lines[0].get_xydata(), [[0, 0], [1, 1]])
    # 4/20 · 0.15 + 6/20 · 0.1 + 10/20 · 0.1 = 0.11
    assert upper.get_title(loc="left") == "Here (ECE 0.1100)"
    assert upper.get_ylabel() == "Accuracy in the bin (fraction)"
    assert lower.get_xlabel() == "Confidence (highest probability)"
    assert (upper.get_xlim(), upper.get_ylim()) == ((0, 1), (0, 1))


def test_counts_stay_in_sight():
    axes = reliability_diagram(_COUNT, _CONFIDENCE, _ACCURACY).axes[1]
    low, high = axes.get_ylim()
    assert 0 < low < 1 and high > 10


def test_empty_bins_only():
    nothing = np.full(15, np.nan)
    figure = reliability_diagram(np.zeros(15), nothing, nothing)
    assert len(_bars(figure.axes[0].containers[0])) == 0
    assert np.isnan(calibration_error(np.zeros(15), nothing, nothing))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 0.999), st.booleans()), min_size=1))
def test_calibration_error_is_that_of_the_examples(examples):
    confidence, right = np.array(examples, float).T
    bins = [(confidence * 15).astype(int) == index for index in range(15)]
    count = np.array([inside.sum() for inside in bins])
    means = [
        [values[inside].mean() if inside.any() else np.nan for inside in bins]
        for values in (confidence, right)
    ]
    by_hand = sum(abs((right - confidence)[inside].sum()) for inside in bins)
    found = calibration_error(count, *means)
    np.testing.assert_allclose(found, by_hand / len(right), atol=1e-12)


def test_vectors_of_different_lengths_are_an_error():
    with pytest.raises(InputError, match="vectors of one length.*(4,)"):
        reliability_diagram(_COUNT, _CONFIDENCE[:3], _ACCURACY)
