"""Dropout that goes on at test time."""

import keras

from mimo_keras.errors import expected
from mimo_keras.layers.drawing import DrawingLayer
from mimo_keras.layers.registration import register


@register
class MonteCarloDropout(DrawingLayer):
    """Dropout that is active in training and in prediction alike.

    Each value is zeroed with probability `rate`, independently; what stays is
    divided by 1 - rate, so that the mean stays the same. Each call is a
    sample of another network, and prediction averages over samples.

    Args:
        rate: Probability of zeroing, in [0, 1). At 0 the layer is the
            identity, exactly.
        seed: Integer, None for a random one, or a keras.random.SeedGenerator.
            The generator's state moves on with each call.

    Call arguments:
        inputs: Any floating-point tensor.

    Input shape:
        Any.

    Output shape:
        The same.

    Example:

    ```python
    x = mimo_keras.layers.MonteCarloDropout(0.1)(x)
    ```

    Reference:
        Gal and Ghahramani, Dropout as a Bayesian approximation, ICML 2016,
        section 4.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0.0 <= rate < 1.0:
            raise expected(
                "a dropout rate in [0, 1)",
                f"rate={rate}",
                "It is the share of values that are zeroed.",
            )
        self.rate = rate
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        if self.rate == 0:
            return inputs
        return keras.random.dropout(inputs, self.rate, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
