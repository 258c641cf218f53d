"""Regression: exact errors over a whole set, batch by batch."""

import numpy as np

from mimo_keras.evaluation.classification import by_member
from mimo_keras.evaluation.streaming import Sums
from mimo_keras.prediction.prediction_checks import (
    checked_array,
    checked_log_weights,
)


class Regression:
    """Errors of an ensemble and of its members from the members' means.

    The prediction is mu(x) = sum_e w_e mu_e(x).

    Args:
        log_weights: The log mixture weights, (E,).

    Example:

    ```python
    metrics = mimo_keras.evaluation.Regression(np.log([0.5, 0.5]))
    metrics.update(means=[[[0.0], [2.0]]], targets=[[1.0]])
    metrics.result()["mse"]                                  # 0.0
    ```
    """

    def __init__(self, log_weights):
        self.log_weights = checked_log_weights(log_weights)
        self._weights = np.exp(self.log_weights)
        self._sums = Sums()

    @property
    def count(self):
        """The number of examples seen."""
        return self._sums.count

    def update(self, means, targets):
        """Adds a batch of any size.

        Args:
            means: The members' predicted means, (b, E, d).
            targets: The targets, (b, d); or (b,) if d is 1, as `fit` takes.

        Raises:
            InputError: If shapes do not match or values are not finite.
        """
        shape = (None, len(self._weights), None)
        means = checked_array("means", means, "(b, E, d)", shape)
        shape = (means.shape[0], means.shape[2])
        if shape[1] == 1 and np.ndim(targets) == 1:
            targets = np.reshape(targets, (-1, 1))
        targets = checked_array("targets", targets, "(b, d)", shape)
        mean = np.einsum("e,bed->bd", self._weights, means)
        spread = (means - mean[:, np.newaxis]) ** 2
        errors = (means - targets[:, np.newaxis]) ** 2
        self._sums.add(
            len(targets),
            {
                "error": ((mean - targets) ** 2).mean(axis=-1).sum(),
                "member_error": errors.mean(axis=-1).sum(axis=0),
                "member_spread": spread.mean(axis=-1).sum(axis=0),
            },
        )

    def result(self):
        """Returns the errors over all examples so far.

        Returns:
            "mse", the squared error of the ensemble's mean, averaged over
            examples and output dimensions; "rmse", its root;
            "mse_member_{e}"; and "member_variance", the variance
            sum_e w_e (mu_e - mu)^2 of the members' means, averaged likewise.

        Raises:
            InputError: If there were no examples.
        """
        mse = float(self._sums.mean("error"))
        variance = self._weights @ self._sums.mean("member_spread")
        return {
            "mse": mse,
            "rmse": mse**0.5,
            **by_member("mse", self._sums.mean("member_error")),
            "member_variance": float(variance),
        }
