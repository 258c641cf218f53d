"""The risk-coverage curve as drawn, and the best possible one."""

import numpy as np

from mimo_keras import analysis
from mimo_keras.analysis.risk import best_risk


def test_the_best_risk_by_hand():
    """Of 4 answers 3 are right: none wrong up to 3/4, then 1/4 at 1."""
    coverage = [0, 0.5, 0.75, 0.8, 1]
    np.testing.assert_allclose(
        best_risk(coverage, 0.25), [0, 0, 0, 0.0625, 0.25], atol=1e-12
    )


def test_the_curve_and_its_area_are_drawn():
    coverage, risk = np.linspace(0, 1, 5), np.array([0, 0, 0.1, 0.2, 0.4])
    figure = analysis.risk_coverage_plot(coverage, risk, 0.125, "MIMO")
    [axes] = figure.axes
    curve, best, flat = axes.lines
    np.testing.assert_array_equal(curve.get_ydata(), risk)
    np.testing.assert_allclose(best.get_ydata(), [0, 0, 0, 0.15 / 0.75, 0.4])
    assert set(flat.get_ydata()) == {0.4}
    assert axes.get_title("left") == "MIMO (area 0.12500)"
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "By confidence",
        "All right answers first",
        "In any order",
    ]
