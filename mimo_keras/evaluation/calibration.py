"""Calibration: expected calibration error and the reliability diagram."""

from typing import NamedTuple

import numpy as np

BINS = 15
"""Default number of bins, n."""


class Reliability(NamedTuple):
    """What a reliability diagram shows, one value for each of the n bins.

    Bin i holds the examples with confidence in [i/n, (i+1)/n); the last
    one also holds confidence 1.

    Attributes:
        count: The number of examples in the bin, (n,).
        confidence: Their mean confidence, (n,); NaN in an empty bin.
        accuracy: The fraction of them predicted correctly, (n,); NaN in an
            empty bin.

    Example:

    ```python
    metrics = mimo_keras.evaluation.Classification(10, predictor.log_weights)
    metrics.update(predictor.member_logits(images), labels)
    int(metrics.reliability().count.sum())                   # 64
    ```

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017,
        section 2.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def edges(self):
        """The edges of the bins, (n + 1,), from 0 to 1."""
        return np.arange(len(self.count) + 1) / len(self.count)

    @property
    def error(self):
        """The expected calibration error (Guo et al. 2017, equation 3).

        ECE = sum_i count_i / n |accuracy_i - confidence_i|.
        """
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float((self.count * gaps).sum() / self.count.sum())


def bin_of(confidence, bins=BINS):
    """Returns the bin, 0 to n - 1, of each confidence in [0, 1].

    The bin is floor(n p), with p = 1 in the last one, as in
    `tfp.stats.expected_calibration_error`. It is computed in float32, as there:
    a mean over members that should be 2/5 may be a few float64 ulps below or
    above it, and must not fall into either bin by chance.
    """
    scaled = np.float32(bins) * np.asarray(confidence, dtype=np.float32)
    return np.clip(np.floor(scaled).astype(np.int64), 0, bins - 1)


def bin_sums(confidence, correct, bins=BINS):
    """Returns the sums over one batch that `reliability` needs.

    Args:
        confidence: The probability of the predicted class, (b,).
        correct: Whether the predicted class is the label, (b,).
        bins: The number of bins, n.

    Returns:
        A dictionary of arrays (n,).
    """
    places = bin_of(confidence, bins)
    weights = {
        "bin_count": np.ones(len(places)),
        "bin_confidence": confidence,
        "bin_correct": correct,
    }
    return {
        name: np.bincount(places, weights=values, minlength=bins)
        for name, values in weights.items()
    }


def reliability(sums):
    """Returns the `Reliability` of all examples.

    Args:
        sums: A `streaming.Sums` to which `bin_sums` were added.

    Returns:
        The counts and means of each bin.
    """
    count = sums.total("bin_count")
    # An empty bin has no mean: 0/0 is NaN, deliberately without a warning.
    with np.errstate(invalid="ignore"):
        return Reliability(
            count=count.astype(np.int64),
            confidence=sums.total("bin_confidence") / count,
            accuracy=sums.total("bin_correct") / count,
        )
