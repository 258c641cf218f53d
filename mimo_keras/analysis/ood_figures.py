"""How well the scores separate OOD images from the test set's."""

import numpy as np

from mimo_keras.analysis import style

_COLUMNS = 2
_BINS = 40


@style.drawn
def ood_histograms(scores, auroc=None):
    """Plots the scores of the test set and of each OOD set.

    Args:
        scores: Dictionary from a set's name to two vectors of scores, of the
            test set and of that set; higher is more out-of-distribution.
        auroc: Dictionary from a set's name to its area under the ROC curve,
            shown in the title; or None.

    Returns:
        A `matplotlib.figure.Figure`, one panel per set.

    Example:

    ```python
    rng = np.random.default_rng(0)
    scores = {"letters": (rng.normal(size=50), rng.normal(2, size=50))}
    figure = mimo_keras.analysis.ood_histograms(scores, auroc={"letters": 0.92})
    ```
    """
    columns = min(max(len(scores), 1), _COLUMNS)
    lines = -(-max(len(scores), 1) // columns)
    figure, panels = style.new_figure(
        4.6 * columns, 2.9 * lines, rows=lines, columns=columns
    )
    for axes, (name, pair) in zip(panels, scores.items(), strict=False):
        _draw_pair(axes, name, *map(_finite, pair))
        area = (auroc or {}).get(name)
        suffix = "" if area is None else f" (AUROC {area:.4f})"
        axes.set_title(name + suffix)
    for axes in panels[len(scores) :]:
        axes.set_axis_off()
    return figure


def _finite(values):
    values = np.asarray(values, float).ravel()
    return values[np.isfinite(values)]


def _draw_pair(axes, name, inside, outside):
    edges = np.histogram_bin_edges(np.concatenate([inside, outside]), _BINS)
    sets = (("Test set", inside, style.BLUE), (name, outside, style.VERMILLION))
    for label, values, color in sets:
        counts, _ = np.histogram(values, edges)
        percent = 100.0 * counts / max(len(values), 1)
        axes.stairs(percent, edges, fill=True, color=color, alpha=0.25)
        axes.stairs(percent, edges, color=color, linewidth=1.6, label=label)
    axes.set(
        xlabel="Score (higher = more out-of-distribution)",
        ylabel="Share of its set (%)",
    )
    axes.legend(loc="best")
