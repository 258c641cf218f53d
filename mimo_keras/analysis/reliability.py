"""Reliability diagrams: accuracy against confidence."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected


def calibration_error(count, confidence, accuracy):
    """Returns the expected calibration error of binned predictions.

    ECE = Σ_b n_b / n · |acc_b − conf_b| (Guo et al., "On Calibration of
    Modern Neural Networks", ICML 2017, Eq. 3).

    Args:
        count: Examples in each bin, (B,).
        confidence: Their mean confidence, (B,); ignored in empty bins.
        accuracy: Their accuracy, (B,); ignored in empty bins.

    Returns:
        The error as a float, NaN if every bin is empty.
    """
    count = np.asarray(count, float)
    used = count > 0
    if not used.any():
        return float("nan")
    gap = np.abs(np.asarray(accuracy) - np.asarray(confidence))[used]
    return float(np.sum(count[used] * gap) / count.sum())


@style.drawn
def reliability_diagram(count, confidence, accuracy, title="Reliability"):
    """Plots accuracy against confidence, and the examples in each bin.

    Args:
        count: Examples in each of B equal bins of confidence, (B,).
        confidence: Their mean confidence, (B,).
        accuracy: Their accuracy, (B,).
        title: The figure's title.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        InputError: If the three are not vectors of one length.

    Example:

    ```python
    metrics = mimo_keras.evaluation.Classification(10, predictor.log_weights)
    metrics.update(predictor.member_logits(images), labels)
    figure = mimo_keras.analysis.reliability_diagram(*metrics.reliability())
    ```

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017,
        figure 1.
    """
    shapes = [np.shape(array) for array in (count, confidence, accuracy)]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1:
        raise expected(
            "count, confidence and accuracy as vectors of one length",
            f"shapes={shapes}",
            "Pass one value of each per bin.",
        )
    figure, (upper, lower) = style.new_figure(
        4.4, 4.9, rows=2, sharex=True, height_ratios=(3, 1)
    )
    _draw_gaps(upper, count, confidence, accuracy)
    _draw_counts(lower, count)
    error = calibration_error(count, confidence, accuracy)
    upper.set_title(f"{title} (ECE {error:.4f})")
    # Bars may cover any part of the axes.
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def _draw_gaps(axes, count, confidence, accuracy):
    used = np.asarray(count) > 0
    confidence = np.asarray(confidence, float)[used]
    accuracy = np.asarray(accuracy, float)[used]
    left, width = _bins(count)
    left = left[used]
    bars = {"width": width, "align": "edge", "linewidth": 0.8}
    axes.bar(
        left,
        accuracy,
        color=style.SKY,
        edgecolor="white",
        label="Accuracy",
        **bars,
    )
    axes.bar(
        left,
        np.abs(accuracy - confidence),
        bottom=np.minimum(accuracy, confidence),
        facecolor="none",
        edgecolor=style.VERMILLION,
        hatch="////",
        label="Gap to the mean confidence",
        **bars,
    )
    axes.plot(
        [0, 1],
        [0, 1],
        "--",
        color=style.INK,
        linewidth=1,
        label="Perfect calibration",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="Accuracy in the bin (fraction)")


def _draw_counts(axes, count):
    left, width = _bins(count)
    axes.bar(
        left,
        count,
        width=width,
        align="edge",
        color=style.GREY,
        edgecolor="white",
        linewidth=0.8,
    )
    # Nearly all examples of a good classifier lie in the last bin; on a linear
    # axis the other bins, on which the bars above are based, would vanish.
    if np.any(np.asarray(count) > 0):
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_ylim(0.6, max(10.0, 2.0 * float(np.max(count))))
    axes.set(xlabel="Confidence (highest probability)", ylabel="Examples (log)")


def _bins(count):
    """Returns the left edges and the width of equal bins on [0, 1]."""
    bins = len(count)
    return np.arange(bins) / bins, 1.0 / bins
