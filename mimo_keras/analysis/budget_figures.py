"""Scores against the number of parameters of the ensemble."""

from mimo_keras.analysis import style

_PANELS = {
    "test/accuracy": "Accuracy (fraction)",
    "test/nll": "NLL (nats)",
}
_LOOKS = (
    (style.BLUE, "o"),
    (style.VERMILLION, "s"),
    (style.GREEN, "D"),
)


@style.drawn
def budget_curves(series):
    """Plots accuracy and NLL against the number of parameters.

    Args:
        series: Dictionary from a label to its points in order, each a
            dictionary with "params" and, for "test/accuracy" and "test/nll", a
            pair (mean, standard deviation); the deviation may be 0. Multiple
            points are joined by a line and have error bars.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    ```python
    point = {"params": 5e4}
    point |= {"test/accuracy": (0.99, 0.0), "test/nll": (0.03, 0.0)}
    figure = mimo_keras.analysis.budget_curves({"Deterministic": [point]})
    ```

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, figure 3, left.
    """
    from matplotlib import ticker

    figure, panels = style.new_figure(8.2, 3.4, columns=2)
    for axes, (key, label) in zip(panels, _PANELS.items(), strict=True):
        for index, (name, points) in enumerate(series.items()):
            color, marker = _LOOKS[index % len(_LOOKS)]
            axes.errorbar(
                [point["params"] for point in points],
                [point[key][0] for point in points],
                yerr=[point[key][1] for point in points],
                label=name,
                color=color,
                marker=marker,
                linestyle="-" if len(points) > 1 else "none",
                capsize=2.5,
            )
        axes.set(xscale="log", xlabel="Trainable parameters", ylabel=label)
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure
