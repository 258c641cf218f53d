"""Scores of ensembles and their members against the values of a setting."""

import numpy as np

from mimo_keras.analysis import style

_SCORES = {
    "accuracy": "Accuracy (fraction)",
    "log_likelihood": "Log-likelihood (nats)",
    "nll": "NLL (nats)",
    "ece": "ECE",
    "brier": "Brier score",
}
PANELS = _SCORES | {
    f"shifted_{score}": f"{title}, shifted" for score, title in _SCORES.items()
}
"""Score that a panel can show -> label of its axis."""
_LOOKS = (
    (style.BLUE, "o"),
    (style.VERMILLION, "s"),
    (style.GREEN, "D"),
    (style.SKY, "^"),
    (style.INK, "v"),
    (style.GREY, "P"),
)


@style.drawn
def sweep_curves(series, label, scale="linear", panels=("accuracy",)):
    """Plots scores against a setting.

    Args:
        series: Dictionary from a curve's name to its points in order, each a
            dictionary with "x", a number or a pair (mean, standard deviation),
            and such pairs for the scores in `panels` and, as means over the
            members, for the same names plus "_member".
        label: Label of x.
        scale: Scale of x: "linear", "log", or "symlog", which includes 0.
        panels: Names in `PANELS`, in rows of up to four.

    Returns:
        A `matplotlib.figure.Figure`: ensembles as solid lines, the means of
        their members dashed, error bars of one standard deviation.

    Example:

    ```python
    points = [{"x": m, "accuracy": (0.9 + m / 100, 0.01),
               "accuracy_member": (0.9, 0.01)} for m in (1, 2, 3)]
    figure = mimo_keras.analysis.sweep_curves({"MIMO": points}, "Members M")
    ```

    Reference:
        Havasi et al., ICLR 2021, figures 5 to 9; Ferianc and Rodrigues, MIMMO,
        CVPR Workshops 2023, supplement, figures 5 and 6.
    """
    columns = min(len(panels), 2 if len(panels) < 3 else 4)
    rows = -(-len(panels) // columns)
    size = 2.05 + 2.05 * columns, 0.6 + 3.0 * rows
    figure, places = style.new_figure(*size, rows=rows, columns=columns)
    for axes in places[len(panels) :]:
        axes.remove()
    for axes, key in zip(places, panels, strict=False):
        for index, (curve, points) in enumerate(series.items()):
            color, marker = _LOOKS[index % len(_LOOKS)]
            _line(axes, points, key, color, marker, label=curve or "Ensemble")
            member = f"{curve}: mean member" if curve else "Mean member"
            _line(
                axes,
                points,
                f"{key}_member",
                color,
                marker,
                label=member,
                linestyle="--",
                markerfacecolor="white",
            )
        axes.set(xlabel=label, ylabel=PANELS[key])
        _scale(
            axes, scale, [_pair(p["x"])[0] for c in series.values() for p in c]
        )
    _legend(figure, *places[0].get_legend_handles_labels())
    return figure


@style.drawn
def sweep_boxes(series, label, panels=("accuracy",)):
    """Plots the spread of scores over other settings, as boxes.

    Args:
        series: As for `sweep_curves`: a curve is one of the other settings.
        label: Label of x.
        panels: Names in `PANELS`, next to each other.

    Returns:
        A `matplotlib.figure.Figure`: for each value of x a box from the lower
        to the upper quartile of the ensembles' means, with their median.

    Example:

    ```python
    points = [{"x": m, "accuracy": (0.9 + m / 100, 0.01)} for m in (1, 2, 3)]
    figure = mimo_keras.analysis.sweep_boxes(
        {"R = 1": points, "R = 4": points}, "Members M")
    ```

    Reference:
        Havasi et al., ICLR 2021, figure 6b.
    """
    figure, places = style.new_figure(
        3.6 * len(panels), 3.2, columns=len(panels)
    )
    for axes, key in zip(places, panels, strict=True):
        boxes = {}
        for points in series.values():
            for point in points:
                at = _pair(point["x"])[0]
                boxes.setdefault(at, []).append(_pair(point[key])[0])
        values = sorted(boxes)
        axes.boxplot([boxes[at] for at in values])
        axes.set_xticks(range(1, len(values) + 1), [f"{at:g}" for at in values])
        axes.set(xlabel=label, ylabel=PANELS[key])
    return figure


def _legend(figure, handles, labels):
    """Draws a legend on top, with as many columns as fit, up to four."""
    for columns in (4, 3, 2, 1):
        legend = figure.legend(
            handles, labels, loc="outside upper center", ncols=columns
        )
        extent = legend.get_window_extent(figure.canvas.get_renderer())
        if extent.width <= figure.bbox.width or columns == 1:
            return
        legend.remove()


def _scale(axes, scale, x):
    if scale == "symlog":
        least = min(abs(value) for value in x if value)
        axes.set_xscale("symlog", linthresh=least, linscale=0.5)
        # Matplotlib also labels powers of ten near 0, overlapping its label.
        powers = 10.0 ** np.arange(-30, 31)
        most = max(abs(value) for value in x)
        axes.set_xticks([0, *powers[(powers >= least) & (powers <= most)]])
    elif scale == "log":
        axes.set_xscale("log")
        values = np.unique(x)
        apart = (values[1:] > 1.4 * values[:-1]).all()
        # Matplotlib's labels within a decade overlap.
        if len(values) <= 8 and apart and (values % 1 == 0).all():
            axes.set_xticks(values, [f"{value:g}" for value in values])
            axes.minorticks_off()
    elif all(value % 1 == 0 for value in x):
        axes.xaxis.get_major_locator().set_params(integer=True)


def _line(axes, points, key, color, marker, **options):
    points = [point for point in points if key in point]
    if not points:
        return
    x, y = (np.array([_pair(point[k]) for point in points]) for k in ("x", key))
    axes.errorbar(
        x[:, 0],
        y[:, 0],
        xerr=x[:, 1] if x[:, 1].any() else None,
        yerr=y[:, 1],
        color=color,
        marker=marker,
        capsize=2.5,
        **options,
    )


def _pair(value):
    """Returns a number or (mean, deviation) pair as a pair."""
    return value if isinstance(value, tuple) else (value, 0.0)
