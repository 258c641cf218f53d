"""Figures of regressions draw the numbers that they are given."""

import numpy as np

from mimo_keras.analysis import regression_figures


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_bars_are_shares_and_the_line_is_the_ideal_one():
    shares = [0.1, 0.4, 0.3, 0.2]
    [axes] = regression_figures.pit_histogram(shares, "PIT").axes
    assert [bar.get_height() for bar in axes.patches] == shares
    assert [bar.get_x() for bar in axes.patches] == [0, 0.25, 0.5, 0.75]
    assert set(axes.lines[0].get_ydata()) == {0.25}
    assert labels(axes) == ["Ideal"] and axes.get_title("left") == "PIT"


def test_the_curve_is_what_was_observed():
    levels, observed = np.array([0.1, 0.9]), np.array([0.2, 0.7])
    figure = regression_figures.calibration_curve(levels, observed, 0.15, "A")
    [axes] = figure.axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), observed)
    assert axes.get_title("left") == "A (error 0.1500)"
    assert labels(axes) == ["Ideal", "Predicted"]


def test_every_deviation_is_counted():
    stds = np.arange(1.0, 11.0).reshape(5, 2)
    [axes] = regression_figures.sharpness_histogram(stds).axes
    assert sum(bar.get_height() for bar in axes.patches) == 10
    assert axes.lines[0].get_xdata()[0] == 5.5
