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
