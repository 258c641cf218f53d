"""The metric that judges the mixture, such as its negative log-likelihood."""

import keras

from mimo_keras import keras_internals
from mimo_keras.layers.registration import serializable


@serializable
class MixtureScore(keras_internals.LowerIsBetter, keras.metrics.Mean):
    """A mean that also stores the mixture's log weights.

    If the weights are learned, `compute_loss` stores their current values here:
    under JAX, metrics are computed where only the metrics' own variables can
    be read.

    Args:
        log_weights: The initial log mixture weights (E,).
        name: Name of the metric: the likelihood's `score`.
    """

    def __init__(self, log_weights, name="nll", **kwargs):
        super().__init__(name=name, **kwargs)
        self.initial = tuple(log_weights)
        self.log_weights = self.add_variable(
            (len(self.initial),),
            lambda shape, dtype: keras.ops.convert_to_tensor(
                self.initial, dtype
            ),
            # All replicas have the same values.
            aggregation="mean",
            name="log_weights",
        )

    def get_config(self):
        return {**super().get_config(), "log_weights": self.initial}
