"""Regression by quantiles: how good and how honest they are."""

import numpy as np

from mimo_keras.evaluation.classification import by_member
from mimo_keras.evaluation.gaussian_regression import Calibration
from mimo_keras.evaluation.streaming import Sums
from mimo_keras.prediction.prediction_checks import (
    checked_array,
    checked_log_weights,
)


class QuantileRegression:
    """Measures of predicted quantiles, averaged over the members.

    Args:
        log_weights: The log mixture weights, (E,).
        levels: The Q ascending levels.

    Example:

    ```python
    metrics = mimo_keras.evaluation.QuantileRegression([0.0], levels=[0.1, 0.9])
    metrics.update(quantiles=[[[[-1.0], [1.0]]]], targets=[[0.0]])
    round(metrics.result()["pinball"], 3)                    # 0.1
    ```

    Reference:
        Koenker and Bassett, Regression quantiles, Econometrica 1978: the
        "pinball" loss.
    """

    def __init__(self, log_weights, levels):
        self._weights = np.exp(checked_log_weights(log_weights))
        self.levels = np.asarray(levels, np.float64)
        self._sums = Sums()

    def update(self, quantiles, targets):
        """Adds a batch of any size.

        Args:
            quantiles: The members', (b, E, Q, d).
            targets: (b, d); or (b,) if d is 1.

        Raises:
            InputError: Shapes do not match, or values are not finite.
        """
        shape = (None, len(self._weights), len(self.levels), None)
        quantiles = checked_array("quantiles", quantiles, "(b, E, Q, d)", shape)
        shape = (len(quantiles), quantiles.shape[-1])
        if shape[1] == 1 and np.ndim(targets) == 1:
            targets = np.reshape(targets, (-1, 1))
        targets = checked_array("targets", targets, "(b, d)", shape)
        mean = np.einsum("e,beqd->bqd", self._weights, quantiles)
        middle = mean[:, len(self.levels) // 2]
        own = self._pinball(quantiles, targets[:, None, None])
        sums = {
            "pinball": self._pinball(mean, targets[:, None]).sum(),
            "member_pinball": own.sum(axis=0),
            "error": np.abs(middle - targets).mean(axis=1).sum(),
            "below": (targets[:, None] <= mean).mean(axis=2).sum(axis=0),
            "width": (mean[:, -1] - mean[:, 0]).mean(axis=1).sum(),
        }
        inside = (mean[:, 0] <= targets) & (targets <= mean[:, -1])
        sums["inside"] = inside.mean(axis=1).sum()
        self._sums.add(len(targets), sums)

    def _pinball(self, quantiles, targets):
        gaps, levels = targets - quantiles, self.levels[:, np.newaxis]
        return np.maximum(levels * gaps, (levels - 1) * gaps).mean(
            axis=(-2, -1)
        )

    def calibration(self):
        """Returns the `Calibration` at the predicted levels."""
        return Calibration(self.levels, self._sums.mean("below"))

    def result(self):
        """Returns the measures of all examples so far.

        Returns:
            A flat dictionary of floats: "pinball", the loss averaged over
            levels; "pinball_member_{e}"; "mae" of the middle quantile;
            "coverage_90" and "width_90", for example, of the interval between
            the outer ones; and "calibration_error", the mean over levels of
            |share of targets at or below the quantile - level|.
        """
        share = f"{100 * (self.levels[-1] - self.levels[0]):.3g}"
        return {
            "pinball": float(self._sums.mean("pinball")),
            **by_member("pinball", self._sums.mean("member_pinball")),
            "mae": float(self._sums.mean("error")),
            f"coverage_{share}": float(self._sums.mean("inside")),
            f"width_{share}": float(self._sums.mean("width")),
            "calibration_error": self.calibration().error,
        }
