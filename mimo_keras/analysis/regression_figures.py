"""Figures of regressions by distributions: calibration and sharpness."""

import numpy as np

from mimo_keras.analysis import style


@style.drawn
def pit_histogram(shares, title=""):
    """Plots the histogram of the targets' probability integral transforms.

    Args:
        shares: The share of targets in each of equal parts of F(y), (P,), as
            `GaussianRegression.pit_histogram` returns them.
        title: The figure's title.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    shares = np.asarray(shares, float)
    edges = np.linspace(0, 1, len(shares) + 1)
    figure, (axes,) = style.new_figure(4.4, 3.2)
    axes.bar(
        edges[:-1],
        shares,
        np.diff(edges),
        align="edge",
        color=style.SKY,
        edgecolor="white",
    )
    axes.axhline(1 / len(shares), color=style.INK, lw=1, ls="--", label="Ideal")
    axes.set(
        title=title,
        xlabel="F(y), the predicted probability of less",
        ylabel="Share of targets",
        xlim=(0, 1),
    )
    axes.legend(loc="best")
    return figure


@style.drawn
def calibration_curve(levels, observed, error=None, title=""):
    """Plots how often targets are below the predicted quantiles.

    Args:
        levels: Of the quantiles, (L,).
        observed: Share of targets at or below them, (L,).
        error: The calibration error, shown in the title if given.
        title: The figure's title.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    figure, (axes,) = style.new_figure(3.4, 3.2)
    axes.plot((0, 1), (0, 1), "--", color=style.INK, lw=1, label="Ideal")
    axes.plot(levels, observed, "o-", color=style.BLUE, label="Predicted")
    suffix = "" if error is None else f" (error {error:.4f})"
    axes.set(
        title=(title + suffix).strip(),
        xlabel="Level of the quantile",
        ylabel="Share of targets below it",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    axes.legend(loc="upper left")
    return figure


@style.drawn
def sharpness_histogram(stds, title=""):
    """Plots the histogram of the predicted standard deviations.

    Args:
        stds: (n, d) or (n,).
        title: The figure's title.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    stds = np.ravel(np.asarray(stds, float))
    figure, (axes,) = style.new_figure(4.4, 3.2)
    axes.hist(stds, 30, color=style.SKY, edgecolor="white")
    axes.axvline(stds.mean(), color=style.INK, lw=1, ls="--", label="Mean")
    axes.set(
        title=title,
        xlabel="Predicted standard deviation",
        ylabel="Predictions",
        xlim=(0, None),
    )
    axes.legend(loc="best")
    return figure
