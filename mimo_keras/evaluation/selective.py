"""Selective prediction: the risk of answering only when confident."""

from typing import NamedTuple

import numpy as np

BINS = 4096
_LOWEST = -16.0
"""log10 of the smallest 1 - p that float64 distinguishes from 0."""


class RiskCoverage(NamedTuple):
    """Error rates among the examples that the ensemble is most confident of.

    Attributes:
        coverage: Fractions of the examples that are answered, (P,), ascending
            to 1.
        risk: The fraction of wrong answers among that many of the most
            confident examples, (P,).
        area: The mean risk over all numbers of answered examples (AURC).

    Example:

    ```python
    curve = mimo_keras.evaluation.risk_coverage(count=[1, 1], wrong=[0, 1])
    float(curve.area)                                        # 0.25
    ```

    Reference:
        Geifman, Uziel and El-Yaniv, Bias-reduced uncertainty estimation for
        deep neural classifiers, ICLR 2019.
    """

    coverage: np.ndarray
    risk: np.ndarray
    area: float


def risk_sums(log_confidence, correct):
    """Returns the sums over one batch that `risk_coverage` needs.

    Examples are ranked by 1 - p on a logarithmic scale of 4096 bins, 256 per
    decade, because confident networks give nearly all of them some p above
    0.999. Examples in one bin, up to 0.9% apart, count as equally confident.

    Args:
        log_confidence: The log probability of the predicted class, (b,).
        correct: Whether the predicted class is the label, (b,).

    Returns:
        A dictionary of arrays (4096,), the most confident first.
    """
    doubt = np.maximum(-np.expm1(log_confidence), 10.0**_LOWEST)
    places = (np.log10(doubt) / -_LOWEST + 1) * BINS
    bins = np.clip(places.astype(np.int64), 0, BINS - 1)
    return {
        "risk_count": np.bincount(bins, minlength=BINS),
        "risk_wrong": np.bincount(
            bins, weights=~np.asarray(correct, bool), minlength=BINS
        ),
    }


def risk_coverage(count, wrong, points=101):
    """Returns the `RiskCoverage` of examples sorted by confidence.

    Args:
        count: Numbers of equally confident examples, (G,), the most confident
            first. Within a group the risk is averaged over all orders.
        wrong: Number of wrong ones among them, (G,).
        points: Number of coverages of the curve, from 0 to 1 in equal steps;
            the risk at 0 is that of a single answer.

    Returns:
        The curve, and the area under it, computed from all examples.

    Example:

    ```python
    curve = mimo_keras.evaluation.risk_coverage(
        count=[1, 1], wrong=[0, 1], points=3)
    curve.risk.tolist()                                      # [0.0, 0.0, 0.5]
    ```

    Reference:
        Geifman and El-Yaniv, Selective classification for deep neural
        networks, NeurIPS 2017; the area: Geifman et al., Bias-reduced
        uncertainty estimation, ICLR 2019, section 2.
    """
    count = np.asarray(count, np.int64)
    share = np.divide(wrong, count, where=count > 0, out=np.zeros(len(count)))
    risks = np.cumsum(np.repeat(share, count))
    answered = np.arange(1, len(risks) + 1)
    risks = risks / answered
    coverage = np.linspace(0, 1, points)
    # Number of answers, rounded down, but at least one.
    index = np.floor(coverage * len(risks) + 1e-9).astype(int)
    return RiskCoverage(
        coverage, risks[np.maximum(index, 1) - 1], float(risks.mean())
    )
