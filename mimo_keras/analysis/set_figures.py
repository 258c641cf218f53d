"""Prediction sets: their sizes, and how often they cover the truth."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.analysis.corruption import draw_curves


@style.drawn
def set_sizes_plot(sizes, covered):
    """Plots how many classes the prediction sets have.

    Args:
        sizes: Number of examples whose set has 0, 1, …, K classes, (K + 1,).
        covered: Of these, how many sets have the true class.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    sizes, covered = np.asarray(sizes, float), np.asarray(covered, float)
    used = np.flatnonzero(sizes)
    places = np.arange(used[0], used[-1] + 1)
    percent = 100.0 / sizes.sum()
    figure, (axes,) = style.new_figure(4.4, 3.2)
    inside, all_of = (percent * x[places] for x in (covered, sizes))
    axes.bar(places, inside, color=style.BLUE, label="With the true class")
    axes.bar(
        places,
        all_of - inside,
        bottom=inside,
        color=style.VERMILLION,
        label="Without it",
    )
    axes.set_xticks(places[:: max(1, len(places) // 10)])
    axes.set(
        title="Sizes of the prediction sets",
        xlabel="Classes in the set",
        ylabel="Share of the examples (%)",
    )
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


@style.drawn
def coverage_plot(severities, coverage, size, wanted=None):
    """Plots the coverage and the mean size of sets against the severity.

    Args:
        severities: (S,); 0 is the clean test set.
        coverage: (S,).
        size: Mean number of classes in a set, (S,).
        wanted: The coverage that was asked for, or None.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    figure, (left, right) = style.new_figure(7.2, 3.0, columns=2)
    left.plot(severities, coverage, "o-", color=style.BLUE, label="Measured")
    if wanted is not None:
        left.axhline(wanted, color=style.INK, ls="--", lw=1, label="Asked for")
    left.set(
        title="Coverage",
        xlabel="Severity of corruption",
        ylabel="Sets with the true class (fraction)",
        ylim=(0, 1.02),
    )
    left.legend(loc="lower left")
    right.plot(severities, size, "o-", color=style.GREEN)
    right.set(
        title="Mean size",
        xlabel="Severity of corruption",
        ylabel="Classes in the set",
        ylim=(0, None),
    )
    for axes in (left, right):
        axes.set_xticks(severities)
    return figure


@style.drawn
def coverage_by_method(severities, methods, wanted):
    """Plots the coverage and the mean size of the sets of several methods.

    Args:
        severities: (S,); 0 is the clean test set.
        methods: Dictionary from a method's title to a dictionary of
            "coverage" and "set_size", each (S,).
        wanted: The coverage that was asked for.

    Returns:
        A `matplotlib.figure.Figure`: the mean over the methods, and faintly
        each of them; the two that end highest and lowest are labeled.

    Example:

    ```python
    severities = range(3)
    mimo = {"coverage": [0.9, 0.8, 0.7], "set_size": [1.1, 1.3, 1.6]}
    figure = mimo_keras.analysis.coverage_by_method(
        severities, {"MIMO": mimo}, wanted=0.9)
    ```
    """
    figure, panels = style.new_figure(8.2, 3.2, columns=2)
    labels = {
        "coverage": "Coverage (fraction)",
        "set_size": "Mean size (classes)",
    }
    for axes, (measure, label) in zip(panels, labels.items(), strict=True):
        curves = {title: found[measure] for title, found in methods.items()}
        mean = np.mean([*curves.values()], axis=0)
        draw_curves(axes, [*severities], mean, curves, "method")
        axes.set(xlabel="Severity (0 = clean)", ylabel=label)
    panels[0].axhline(wanted, color=style.INK, ls="--", lw=1, label="Asked for")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=len(names))
    return figure
