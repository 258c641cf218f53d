"""What a setting does: scores of ensembles and members against its values."""

import numpy as np

from mimo_keras.analysis import style

PANELS = {
    "accuracy": "Accuracy (fraction)",
    "log_likelihood": "Log-likelihood (nats)",
}
_LOOKS = (
    (style.BLUE, "o"),
    (style.VERMILLION, "s"),
    (style.GREEN, "D"),
    (style.SKY, "^"),
    (style.INK, "v"),
    (style.GREY, "P"),
)


@style.drawn
def sweep_curves(series, label, log=False):
    """Draws accuracy and log-likelihood against a setting.

    Args:
        series: Dictionary from a curve's name to its points in order, each a
            dictionary with "x", a number or a pair (mean, standard
            deviation), and for "accuracy", "log_likelihood" and the same with
            "_member", which are the mean over the members, such pairs.
        label: What x is.
        log: Whether x is drawn on a logarithmic scale.

    Returns:
        A `matplotlib.figure.Figure`: ensembles as whole lines, the mean of
        their members dashed, bars of one standard deviation.

    Reference:
        Havasi et al., ICLR 2021, figures 5 to 9.
    """
    figure, panels = style.new_figure(8.2, 3.6, columns=2)
    for axes, (key, name) in zip(panels, PANELS.items(), strict=True):
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
        axes.set(xlabel=label, ylabel=name)
        if log:
            axes.set_xscale("log")
        elif all(_pair(p["x"])[0] % 1 == 0 for c in series.values() for p in c):
            axes.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


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
    """Returns (mean, deviation) of a number, or of what is one already."""
    return value if isinstance(value, tuple) else (value, 0.0)
