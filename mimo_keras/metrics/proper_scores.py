"""Proper scoring rules of probabilities, as Keras metrics."""

import numpy as np
from keras import ops

from mimo_keras.layers.registration import serializable
from mimo_keras.metrics.streamed import Streamed


class _MeanScore(Streamed):
    """Mean of a score of each example."""

    def __init__(self, from_logits=False, name=None, dtype=None):
        super().__init__(from_logits, name, dtype)
        self.scores = self.add_sums("scores")

    def score(self, targets, predictions):
        """Returns (N,) from (N, K) and (N, K)."""
        raise NotImplementedError

    def update(self, targets, predictions, weights):
        scores = self.score(targets, predictions)
        self.scores.assign_add(ops.sum(weights * scores))

    def result(self):
        """Returns the mean; 0 before any example."""
        return ops.divide_no_nan(self.scores, self.total)


@serializable
class BrierScore(_MeanScore):
    """Mean of Σ_k (p_k - [y = k])², from 0 to 2.

    Equal to "brier" of `mimo_keras.evaluate`. Some libraries halve it or divide
    it by K.

    Args:
        from_logits: See `Streamed`, also for the arguments of `update_state`.
        name: Its name.
        dtype: Of the sums.

    Example:

    ```python
    metric = mimo_keras.metrics.BrierScore()
    metric.update_state([1], [[0.25, 0.75]])
    metric.result()  # 0.125
    ```

    Reference:
        Brier, Verification of forecasts expressed in terms of probability,
        Monthly Weather Review 1950.
    """

    def __init__(self, from_logits=False, name="brier", dtype=None):
        super().__init__(from_logits, name, dtype)

    def score(self, targets, predictions):
        gaps = self.probabilities(predictions) - targets
        return ops.sum(ops.square(gaps), axis=-1)


@serializable
class NegativeLogLikelihood(_MeanScore):
    """Mean of -log p_y in nats.

    Equal to "nll" of `mimo_keras.evaluate`. Unlike Keras's cross-entropy, it
    does not clip probabilities at 1e-7, only at the smallest positive float.

    Args:
        from_logits: See `Streamed`, also for the arguments of `update_state`.
        name: Its name. `EnsembleModel` always reports its own "nll".
        dtype: Of the sums.

    Example:

    ```python
    metric = mimo_keras.metrics.NegativeLogLikelihood()
    metric.update_state([1], [[0.5, 0.5]])
    round(float(metric.result()), 3)  # 0.693
    ```
    """

    def __init__(
        self,
        from_logits=False,
        name="negative_log_likelihood",
        dtype=None,
    ):
        super().__init__(from_logits, name, dtype)

    def score(self, targets, predictions):
        if self.from_logits:
            logs = ops.log_softmax(predictions)
        else:
            # Not max(p, tiny), which would hide NaN on some backends.
            tiny = float(np.finfo("float32").tiny)
            logs = ops.log(ops.where(predictions < tiny, tiny, predictions))
        # A class without probability may have any logit.
        terms = ops.where(targets == 0, ops.zeros_like(logs), targets * logs)
        return -ops.sum(terms, axis=-1)
