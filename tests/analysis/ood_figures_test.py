"""The histograms are shares of each set on common bins."""

import numpy as np

from mimo_keras.analysis import ood_histograms


def _stairs(axes):
    """The outlines, each under its label."""
    outlines = {patch.get_label(): patch.get_data() for patch in axes.patches}
    return {k: v for k, v in outlines.items() if k}


def test_stairs_are_the_shares_in_percent():
    inside = np.array([0.0, 0.0, 0.0, 1.0])
    outside = np.array([1.0, 1.0, 0.5, np.inf])
    (axes,) = ood_histograms({"far": (inside, outside)}).axes
    drawn = _stairs(axes)
    assert list(drawn) == ["Test set", "far"]
    for values, edges, _ in drawn.values():
        np.testing.assert_allclose(edges, np.linspace(0, 1, 41))
        np.testing.assert_allclose(values.sum(), 100.0)
    np.testing.assert_allclose(drawn["Test set"].values[[0, 39]], [75, 25])
    np.testing.assert_allclose(
        drawn["far"].values[[20, 39]], [100 / 3, 200 / 3]
    )


def test_titles_carry_the_auroc_where_there_is_one():
    pair = (np.zeros(3), np.ones(2))
    figure = ood_histograms({"a": pair, "b": pair, "c": pair}, {"b": 0.75})
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["a", "b (AUROC 0.7500)", "c", ""]
    assert "higher" in figure.axes[0].get_xlabel()
    assert figure.axes[0].get_ylabel() == "Share of its set (%)"


def test_constant_and_missing_scores_are_drawn():
    pairs = {"same": (np.ones(4), np.ones(4)), "none": (np.ones(4), [])}
    same, none = map(_stairs, ood_histograms(pairs).axes)
    np.testing.assert_allclose(same["same"].values.sum(), 100.0)
    np.testing.assert_allclose(none["none"].values, 0.0)
    assert ood_histograms({}).axes
