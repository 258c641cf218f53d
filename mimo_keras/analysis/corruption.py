"""Metrics against corruption severity."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.analysis.lookup import severity_curves

_LABELS = {
    "accuracy": "Accuracy (fraction)",
    "nll": "NLL (nats)",
    "ece": "ECE (fraction)",
}


@style.drawn
def corruption_by_severity(results, metrics=("accuracy", "nll", "ece")):
    """Plots metrics against severity, from 0 (clean) upward.

    The bold line is the mean over corruption types, faint lines are single
    types; the two that end highest and lowest are labeled.

    Args:
        results: `evaluation.Results`.
        metrics: Which metrics to plot, one panel each; metrics without values
            are omitted unless all are.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    curves = {metric: severity_curves(results, metric) for metric in metrics}
    present = [m for m in metrics if np.isfinite(curves[m][1]).any()]
    present = present or list(metrics[:1])
    figure, panels = style.new_figure(
        3.6 * len(present), 3.1, columns=len(present)
    )
    for axes, metric in zip(panels, present, strict=True):
        draw_curves(axes, *curves[metric], "corruption type")
        axes.set_ylabel(_LABELS.get(metric, metric))
        axes.set_xlabel("Severity (0 = clean)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure


def draw_curves(axes, severities, mean, curves, each):
    """Draws a mean, and faintly what it is of; labels the extreme ones.

    Args:
        axes: Where to draw.
        severities: (S,).
        mean: (S,).
        curves: Dictionary from a name to (S,).
        each: What the curves are of, in the singular.
    """
    for index, values in enumerate(curves.values()):
        label = f"One {each}" if index == 0 else None
        axes.plot(
            severities, values, color=style.PALE, linewidth=0.9, label=label
        )
    axes.plot(
        severities, mean, "o-", color=style.BLUE, label=f"Mean over {each}s"
    )
    axes.set_xticks(severities)
    _name_extremes(axes, severities[-1], curves)


def _name_extremes(axes, severity, types):
    """Labels the types that end highest and lowest, next to their ends."""
    last = {n: v[-1] for n, v in types.items() if np.isfinite(v[-1])}
    if len(last) < 2:
        return
    for pick in (max, min):
        name = pick(last, key=last.get)
        axes.annotate(
            name.replace("_", " "),
            (severity, last[name]),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color="#5B626B",
        )
