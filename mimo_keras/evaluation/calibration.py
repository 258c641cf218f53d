"""Calibration: expected calibration error and the reliability diagram."""

from typing import NamedTuple

import numpy as np

BINS = 15


class Reliability(NamedTuple):
    """What a reliability diagram shows, one value for each of the 15 bins.

    Bin i holds the examples with confidence in [i/15, (i+1)/15); the last
    one also holds confidence 1.

    Attributes:
        count: The number of examples in the bin, (15,).
        confidence: Their mean confidence, (15,); NaN in an empty bin.
        accuracy: The fraction of them predicted correctly, (15,); NaN in an
            empty bin.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def edges(self):
        """The edges of the bins, (16,), from 0 to 1."""
        return np.arange(BINS + 1) / BINS

    @property
    def error(self):
        """The expected calibration error (Guo et al. 2017, equation 3).

        ECE = sum_i count_i / n |accuracy_i - confidence_i|.
        """
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float((self.count * gaps).sum() / self.count.sum())


def bin_of(confidence):
    """Returns the bin, 0 to 14, of each confidence in [0, 1].

    The bin is floor(15 p), with p = 1 in the last one, as in
    `tfp.stats.expected_calibration_error`. It is computed in float32, as there:
    a mean over members that should be 2/5 may be a few float64 ulps below or
    above it, and must not fall into either bin by chance.
    """
    scaled = np.float32(BINS) * np.asarray(confidence, dtype=np.float32)
    return np.clip(np.floor(scaled).astype(np.int64), 0, BINS - 1)


def bin_sums(confidence, correct):
    """Returns the sums over one batch that `reliability` needs.

    Args:
        confidence: The probability of the predicted class, (b,).
        correct: Whether the predicted class is the label, (b,).

    Returns:
        A dictionary of arrays (15,).
    """
    bins = bin_of(confidence)
    weights = {
        "bin_count": np.ones(len(bins)),
        "bin_confidence": confidence,
        "bin_correct": correct,
    }
    return {
        name: np.bincount(bins, weights=values, minlength=BINS)
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
