"""Risk-coverage curves: the gain from answering only when confident."""

import numpy as np

from mimo_keras.analysis import style


@style.drawn
def risk_coverage_plot(coverage, risk, area=None, title=""):
    """Plots the risk against the coverage, and its lower bound.

    Args:
        coverage: Fractions of the examples that are answered, (P,), the last
            one 1.
        risk: The fraction of wrong answers among them, (P,).
        area: The area under the curve, shown in the title if given.
        title: The figure's title, such as the method.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    ```python
    curve = mimo_keras.evaluation.risk_coverage(count=[1, 1], wrong=[0, 1])
    figure = mimo_keras.analysis.risk_coverage_plot(*curve)
    ```

    Reference:
        Geifman and El-Yaniv, Selective classification for deep neural
        networks, NeurIPS 2017: risk-coverage curves.
    """
    coverage, risk = np.asarray(coverage, float), np.asarray(risk, float)
    figure, (axes,) = style.new_figure(4.4, 3.2)
    axes.fill_between(coverage, risk, color=style.BLUE, alpha=0.15, lw=0)
    axes.plot(coverage, risk, color=style.BLUE, label="By confidence")
    axes.plot(
        coverage,
        best_risk(coverage, risk[-1]),
        "--",
        color=style.INK,
        linewidth=1,
        label="All right answers first",
    )
    axes.axhline(risk[-1], color=style.GREY, lw=1, ls=":", label="In any order")
    suffix = "" if area is None else f" (area {area:.5f})"
    axes.set(
        title=(title + suffix).strip(),
        xlabel="Coverage (fraction of the examples answered)",
        ylabel="Risk (fraction wrong of these)",
        xlim=(0, 1),
        ylim=(0, None),
    )
    axes.legend(loc="center left")
    return figure


def best_risk(coverage, error):
    """Returns the minimal risk at coverage c: max(0, (c − accuracy) / c).

    Args:
        coverage: c, (P,).
        error: The fraction of wrong answers among all examples.
    """
    coverage = np.asarray(coverage, float)
    wrong = np.maximum(coverage - (1 - error), 0.0)
    return np.divide(
        wrong, coverage, where=coverage > 0, out=np.zeros(len(coverage))
    )
