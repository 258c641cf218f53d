"""Batch normalisation by one kernel of the backend, where it has one."""

import keras
from keras import ops

from mimo_keras.layers.registration import register


@register
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, which can be given a faster kernel.

    Keras 3 normalises by a chain of operations on whole feature maps. A
    backend that does it in one goes over memory far less often. The layer
    names no backend: who knows one sets `fused`; without it, and wherever the
    kernel would compute something else (over replicas, with a mask, along
    another axis), Keras's own call runs. `create_model` sets it.

    Args:
        momentum: Of the moving averages.
        epsilon: ε.
        **kwargs: As of `keras.layers.BatchNormalization`, whose input and
            output these are, too.

    Attributes:
        fused: None, or a function of x (B, H, W, C), γ (C,), β (C,), ε and
            either None or a pair (μ, σ²), each (C,), to normalise by. It
            returns y = γ (x - μ) / √(σ² + ε) + β, μ and σ²; without a pair
            these are of x, σ² divided by B·H·W.

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
