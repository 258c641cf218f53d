"""Metrics against severity, drawn as they are in the results."""

import numpy as np

from mimo_keras.analysis.corruption import corruption_by_severity
from mimo_keras.evaluation import Results


def test_lines_are_the_types_and_the_mean(results):
    figure, flat = corruption_by_severity(results), results.flat()
    for axes, metric in zip(
        figure.axes, ("accuracy", "nll", "ece"), strict=True
    ):
        *types, mean = axes.lines
        names = ("brightness", "contrast", "gaussian_noise", "motion_blur")
        for line, name in zip(types, names, strict=True):
            keys = [f"corrupted/{name}_{s}/{metric}" for s in range(1, 6)]
            values = [flat[key] for key in (f"test/{metric}", *keys)]
            np.testing.assert_allclose(line.get_xdata(), range(6))
            np.testing.assert_allclose(line.get_ydata(), values)
        keys = [f"corrupted/severity_{s}/{metric}" for s in range(1, 6)]
        values = [flat[key] for key in (f"test/{metric}", *keys)]
        np.testing.assert_allclose(mean.get_ydata(), values)
        assert mean.get_linewidth() > types[0].get_linewidth()


def test_axes_have_units(results):
    labels = [a.get_ylabel() for a in corruption_by_severity(results).axes]
    assert labels == ["Accuracy (fraction)", "NLL (nats)", "ECE (fraction)"]


def test_best_and_worst_types_are_named_at_their_ends(results):
    accuracy = corruption_by_severity(results).axes[0]
    named = {text.get_text(): text.xy for text in accuracy.texts}
    assert set(named) == {"brightness", "motion blur"}
    assert named["motion blur"] == (
        5,
        results.corrupted.sets["motion_blur", 5]["accuracy"],
    )


def test_metrics_without_numbers_get_no_panel():
    figure = corruption_by_severity(Results(test={"nll": 0.1}))
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0.1]])
    assert len(corruption_by_severity(Results()).axes) == 1
