"""Pictures of prediction sets show their numbers."""

import numpy as np

from mimo_keras.analysis import set_figures


def test_bars_are_shares_of_the_examples():
    figure = set_figures.set_sizes_plot([0, 10, 0, 30, 0], [0, 5, 0, 30, 0])
    [axes] = figure.axes
    heights = [bar.get_height() for bar in axes.patches]
    # Sizes 1 to 3: with the true class, and then without it.
    np.testing.assert_allclose(heights, [12.5, 0, 75, 12.5, 0, 0])
    assert [bar.get_y() for bar in axes.patches][3:] == [12.5, 0, 75]


def test_lines_are_coverage_and_size():
    values = ([0, 1, 3], [0.9, 0.8, 0.5], [1.0, 2.0, 4.0])
    left, right = set_figures.coverage_plot(*values, wanted=0.9).axes
    measured, asked = left.lines
    np.testing.assert_allclose(measured.get_xydata().T, values[:2])
    assert asked.get_ydata()[0] == 0.9
    np.testing.assert_allclose(right.lines[0].get_ydata(), values[2])
    left, _ = set_figures.coverage_plot(*values).axes
    assert len(left.lines) == 1


def test_methods_are_faint_and_their_mean_is_not():
    curves = {
        "A": {"coverage": [0.9, 0.7], "set_size": [1.0, 1.5]},
        "B": {"coverage": [0.9, 0.5], "set_size": [1.0, 2.5]},
    }
    figure = set_figures.coverage_by_method(range(2), curves, 0.95)
    left, right = figure.axes
    *_, mean, asked = left.lines
    np.testing.assert_allclose(mean.get_ydata(), [0.9, 0.6])
    np.testing.assert_allclose(left.lines[1].get_ydata(), [0.9, 0.5])
    assert asked.get_ydata()[0] == 0.95
    np.testing.assert_allclose(right.lines[-1].get_ydata(), [1.0, 2.0])
    assert [text.get_text() for text in right.texts] == ["B", "A"]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("One method", "Mean over methods", "Asked for"),
    ]
