"""Training curves, epoch by epoch."""

import math

import numpy as np

from mimo_keras.analysis import style

_PANELS = {
    "loss": "Loss (nats, with penalties)",
    "nll": "NLL (nats)",
    "mse": "Mean squared error",
    "accuracy": "Accuracy (fraction)",
    "learning_rate": "Learning rate",
}
_SERIES = {
    "": ("Training", style.BLUE, "-"),
    "val_": ("Validation", style.VERMILLION, "--"),
    "test_": ("Test", style.GREEN, "-."),
}
_MARKED = 30  # Maximum number of points that get markers.


@style.drawn
def training_curves(rows):
    """Plots loss, NLL, accuracy and learning rate against the epoch.

    Args:
        rows: One dict per epoch, from column names in metrics.csv to numbers.
            Missing values and None are skipped, since a quantity may be
            measured only every few epochs; a quantity without values gets no
            panel.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    names = [name for name in _PANELS if _lines(rows, name)] or ["loss"]
    columns = 2 if len(names) == 4 else len(names)
    lines = -(-len(names) // columns)
    figure, panels = style.new_figure(
        4.1 * columns, 2.7 * lines, rows=lines, columns=columns
    )
    for axes, name in zip(panels, names, strict=True):
        _draw_lines(axes, rows, name)
    return figure


def _column(rows, name):
    values = (row.get(name) for row in rows)
    return np.array([math.nan if v is None else float(v) for v in values])


def _lines(rows, name):
    """Returns (epochs, values) of each series with any values."""
    epochs = _column(rows, "epoch")
    series = {}
    for prefix in _SERIES:
        values = _column(rows, prefix + name)
        there = np.isfinite(values)
        if there.any():
            series[prefix] = epochs[there], values[there]
    return series


def _draw_lines(axes, rows, name):
    from matplotlib.ticker import MaxNLocator

    lines = _lines(rows, name)
    for prefix, (epochs, values) in lines.items():
        label, color, dashes = _SERIES[prefix]
        axes.plot(
            epochs,
            values,
            color=color,
            linestyle=dashes,
            marker="o" if len(values) <= _MARKED else "",
            markersize=3.5,
            label=label,
        )
    axes.xaxis.set_major_locator(
        MaxNLocator(integer=True, nbins=8, min_n_ticks=1)
    )
    if len(rows) == 1:
        epoch = _column(rows, "epoch")[0]
        axes.set_xlim(epoch - 1, epoch + 1)
    axes.set(xlabel="Epoch", ylabel=_PANELS[name])
    if name != "learning_rate" and lines:
        axes.legend()
