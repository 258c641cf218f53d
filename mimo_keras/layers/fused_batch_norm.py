"""Batch normalization by a fused backend kernel, where there is one."""

import keras
from keras import ops

from mimo_keras.layers.registration import serializable


@serializable
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with an optional faster kernel.

    Keras 3 normalizes by a chain of operations on whole feature maps; a fused
    kernel makes far fewer passes over memory. The layer itself is
    backend-agnostic: `create_model` sets `fused`. Without it, and wherever the
    kernel would compute something else (over replicas, with a mask, along
    another axis), Keras's own call runs.

    Args:
        momentum: Momentum of the moving averages.
        epsilon: ε.
        **kwargs: As for `keras.layers.BatchNormalization`, which also defines
            the input and output.

    Attributes:
        fused: None, or a function of x (B, H, W, C), γ (C,), β (C,), ε and
            either None or a pair (μ, σ²), each (C,), to normalize with. It
            returns y = γ (x - μ) / √(σ² + ε) + β, μ and σ²; without a pair
            these are the statistics of x, with σ² divided by B·H·W.

    Example:

    ```python
    x = keras.Input((32, 32, 16))
    x = mimo_keras.layers.FusedBatchNormalization()(x)      # (B, 32, 32, 16)
    ```

    Reference:
        Ioffe and Szegedy, Batch normalization, ICML 2015, algorithms 1 and 2.
    """

    fused = None

    def __init__(self, momentum=0.99, epsilon=1e-3, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None, mask=None):
        if not self._fuses(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        x, gamma, beta = (
            ops.cast(value, "float32")
            for value in (inputs, self.gamma, self.beta)
        )
        averages = self.moving_mean, self.moving_variance
        if training and self.trainable:
            x, *moments = self.fused(x, gamma, beta, self.epsilon, None)
            for average, value in zip(averages, moments, strict=True):
                average.assign(
                    average * self.momentum + value * (1.0 - self.momentum)
                )
        else:
            moments = tuple(map(ops.convert_to_tensor, averages))
            x, *_ = self.fused(x, gamma, beta, self.epsilon, moments)
        return ops.cast(x, self.compute_dtype)

    def _fuses(self, inputs, mask):
        computed = keras.backend.result_type(inputs.dtype, "float32")
        plain = self.scale and self.center and mask is None
        special = self.synchronized or getattr(self, "renorm", False)
        return (
            self.fused is not None
            and plain
            and not special
            and computed == self.variable_dtype == "float32"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
        )
