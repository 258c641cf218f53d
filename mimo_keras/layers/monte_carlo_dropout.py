"""Dropout that stays active at test time."""

from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments, draws, plain_draws
from mimo_keras.layers.drawing import DrawingLayer
from mimo_keras.layers.registration import serializable


@serializable
class MonteCarloDropout(DrawingLayer):
    """Dropout that is active in both training and prediction.

    Each value is zeroed independently with probability `rate`; the others are
    divided by 1 - rate, which preserves the mean. Each call samples a different
    network, and prediction averages over samples.

    Args:
        rate: Probability of zeroing, in [0, 1). At 0 the layer is the
            identity, exactly.
        seed: Integer, None for a random seed, or a keras.random.SeedGenerator.
            The generator's state advances with each call.

    Call arguments:
        inputs: Any floating-point tensor.

    Input shape:
        Any.

    Output shape:
        The same.

    Example:

    ```python
    x = keras.Input((64,))
    x = mimo_keras.layers.MonteCarloDropout(0.1)(x)          # (B, 64)
    ```

    Reference:
        Gal and Ghahramani, Dropout as a Bayesian approximation, ICML 2016,
        section 4.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        rate = arguments.number("rate", rate)
        if not 0.0 <= rate < 1.0:
            raise expected(
                "a dropout rate in [0, 1)",
                f"rate={rate}",
                "It is the fraction of values that are zeroed.",
            )
        self.rate = rate
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        if self.rate == 0:
            return inputs
        if key := plain_draws.next_key(self.seed_generator):
            rows = plain_draws.rows_of(inputs)
            drawn = plain_draws.uniform(rows, inputs.shape[1:], key)
        else:
            drawn = draws.uniform(ops.shape(inputs), self.seed_generator)
        scaled = inputs * (1.0 / (1.0 - self.rate))
        return ops.where(drawn < self.rate, ops.zeros_like(scaled), scaled)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
