"""Boxes have the given values' quartiles and extremes."""

import numpy as np

from mimo_keras.analysis import severity_boxes


def test_boxes_have_quartiles_and_extremes():
    spread = [0.0, 0.1, 0.2, 0.3, 0.8]
    scores = {
        "MIMO": {"ece": [spread, [0.5]], "nll": [[1.0], [2.0]]},
        "Deterministic": {"ece": [[0.25], [0.5]], "nll": [[3.0], [4.0]]},
    }
    figure = severity_boxes(scores, (1, 2))
    first, second = figure.axes
    assert first.get_ylabel() == "ECE (fraction)"
    assert second.get_ylabel() == "NLL (nats)"
    tops = [box.get_path().get_extents().y1 for box in first.patches]
    np.testing.assert_allclose(tops, [0.3, 0.5, 0.25, 0.5])
    bottoms = [box.get_path().get_extents().y0 for box in first.patches]
    np.testing.assert_allclose(bottoms, [0.1, 0.5, 0.25, 0.5])
    heights = np.concatenate([line.get_ydata() for line in first.lines])
    assert (heights.min(), heights.max()) == (0.0, 0.8)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [*scores]
    # Side by side around their severity.
    places = [box.get_path().get_extents().x0 for box in first.patches]
    assert places[0] < places[2] < places[1] < places[3]


def test_eight_methods_are_told_apart_within_the_figure():
    names = [f"MixtureEnsembles, M = {members}" for members in range(1, 9)]
    figure = severity_boxes({name: {"nll": [[1.0]]} for name in names}, (1,))
    looks = {
        (box.get_facecolor(), box.get_hatch()) for box in figure.axes[0].patches
    }
    assert len(looks) == 8
    figure.draw_without_rendering()
    place = figure.legends[0].get_window_extent()
    assert place.x0 >= 0 and place.x1 <= figure.bbox.width
