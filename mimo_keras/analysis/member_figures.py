"""Figures of an ensemble's members."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.analysis.lookup import member_values, number
from mimo_keras.errors import expected

_MOST_CELLS = 10  # With more members, values in the cells would overlap.
_MOST_LABELS = 5


@style.drawn
def member_agreement(disagreement, kl=None):
    """Plots how much each pair of members differs, as heat maps.

    Args:
        disagreement: Fraction of examples on which the predictions of two
            members differ, (E, E).
        kl: Mean Kullback-Leibler divergence of the row's member from the
            column's in nats, (E, E), or None.

    Returns:
        A `matplotlib.figure.Figure` with one map or two.

    Raises:
        InputError: If a matrix is not square.
    """
    maps = [("Disagreement (fraction of examples)", disagreement)]
    if kl is not None:
        maps.append(("KL divergence, row ‖ column (nats)", kl))
    for _, matrix in maps:
        if np.ndim(matrix) != 2 or len(set(np.shape(matrix))) != 1:
            raise expected(
                "one row and one column for each member",
                f"shape={np.shape(matrix)}",
                "Pass a square matrix.",
            )
    side = float(np.clip(0.45 * len(disagreement) + 1.4, 2.9, 4.8))
    figure, panels = style.new_figure(
        (side + 0.6) * len(maps), side, columns=len(maps)
    )
    for axes, (title, matrix) in zip(panels, maps, strict=True):
        _draw_map(axes, np.asarray(matrix, float))
        axes.set_title(title)
    return figure


def _draw_map(axes, matrix):
    size = len(matrix)
    finite = matrix[np.isfinite(matrix)]
    top = max(float(finite.max(initial=0.0)), 1e-6)
    image = axes.imshow(matrix, cmap="Blues", vmin=0.0, vmax=top)
    ticks = np.arange(0, size, -(-size // _MOST_CELLS))
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.set(xlabel="Member", ylabel="Member")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if size > _MOST_CELLS:
        axes.figure.colorbar(image, ax=axes, shrink=0.85)
        return
    for (row, column), value in np.ndenumerate(matrix):
        # White text on the dark half of the color map, dark text on the other.
        color = "white" if value > 0.55 * top else style.INK
        axes.text(
            column,
            row,
            f"{value:.3f}",
            ha="center",
            va="center",
            color=color,
            fontsize=8 if size <= 6 else 6,
        )


@style.drawn
def member_scores(results):
    """Plots the accuracy and NLL of each member and the ensemble.

    The stems start at the ensemble's line, so that their length is the gain
    from averaging the members.

    Args:
        results: `evaluation.Results`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    labels = {"accuracy": "Accuracy (fraction)", "nll": "NLL (nats)"}
    values = {metric: member_values(results, metric) for metric in labels}
    present = [m for m in labels if len(values[m])] or ["accuracy"]
    width = 4.1 * len(present)
    figure, panels = style.new_figure(width, 3.0, columns=len(present))
    for axes, metric in zip(panels, present, strict=True):
        _draw_stems(axes, values[metric], number(results.test, metric))
        axes.set_ylabel(labels[metric])
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=2)
    return figure


def _draw_stems(axes, values, ensemble):
    members = np.arange(len(values))
    if np.isfinite(ensemble):
        axes.axhline(ensemble, color=style.VERMILLION, label="Ensemble")
        axes.vlines(members, ensemble, values, color=style.PALE, linewidth=3)
    axes.plot(members, values, "o", color=style.BLUE, ms=7, label="Member")
    axes.set_xticks(members[:: -(-max(len(values), 1) // 16)])
    axes.set_xlim(-0.6, max(len(values), 1) - 0.25)
    axes.set_xlabel("Member")
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.margins(y=0.15)
    if len(values) > _MOST_LABELS:
        return
    for member, value in zip(members, values, strict=True):
        axes.annotate(
            f"{value:.4f}",
            (member, value),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
