"""Points and bars are the given values."""

import numpy as np

from mimo_keras.analysis import budget_curves


def point(params, accuracy, nll, spread):
    scores = {"test/accuracy": (accuracy, spread), "test/nll": (nll, spread)}
    return {"params": params, **scores}


def test_lines_and_bars_are_the_points():
    series = {
        "mixture": [point(100, 0.8, 0.5, 0.1), point(1000, 0.9, 0.4, 0.0)],
        "plain": [point(300, 0.7, 0.6, 0.05)],
    }
    figure = budget_curves(series)
    for axes, column in zip(figure.axes, (1, 0), strict=True):
        assert axes.get_xscale() == "log"
        mixture, plain = axes.containers
        assert (mixture.get_label(), plain.get_label()) == tuple(series)
        line, _, (bars,) = mixture.lines
        values = [[0.5, 0.4], [0.8, 0.9]][column]
        np.testing.assert_allclose(line.get_xydata().T, [[100, 1000], values])
        low_high = [segment[:, 1] for segment in bars.get_segments()]
        np.testing.assert_allclose(
            low_high, [[values[0] - 0.1, values[0] + 0.1], [values[1]] * 2]
        )
        assert line.get_linestyle() == "-"
        assert plain.lines[0].get_linestyle() == "None"
