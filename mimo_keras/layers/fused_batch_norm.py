"""Batch normalization by a fused backend kernel, where there is one."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import row_groups
from mimo_keras.layers.members import checked_members, rows_per_member
from mimo_keras.layers.registration import serializable


@serializable
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with an optional faster kernel.

    Keras 3 normalizes by a chain of operations on whole feature maps; a fused
    kernel makes far fewer passes over memory. The layer itself is
    backend-agnostic: `create_model` sets `fused`. Without it, and wherever the
    kernel would compute something else (over replicas, with a mask, along
    another axis), Keras's own call runs. In training, the rows may be divided
    into groups that are normalized apart, as on replicas with fewer rows.

    Args:
        momentum: Momentum of the moving averages.
        epsilon: ε.
        group_size: g, the number of successive rows with a mean and variance
            of their own in training; 0 for those of the whole batch. See
            `row_groups.normalized`.
        ensemble_size: M, if the rows are those of folded members, one after
            another: a group then has g rows of each member, those of the same
            images.
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

    def __init__(
        self,
        momentum=0.99,
        epsilon=1e-3,
        group_size=0,
        ensemble_size=1,
        **kwargs,
    ):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        ensemble_size = checked_members(ensemble_size)
        row_groups.check_size(group_size, self.synchronized)
        self.group_size = group_size
        self.ensemble_size = ensemble_size

    def call(self, inputs, training=None, mask=None):
        if self.group_size and training and self.trainable:
            return self._grouped(inputs, mask)
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

    def _grouped(self, inputs, mask):
        if mask is not None or self.axis not in (-1, len(inputs.shape) - 1):
            raise expected(
                "group_size=0 with a mask, or channels that are not last",
                f"group_size={self.group_size}, axis={self.axis}",
                "Leave it out.",
            )
        rows_per_member(inputs.shape[0], self.ensemble_size)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))

        def affine(mean, variance):
            scale = ops.rsqrt(variance + self.epsilon)
            if self.scale:
                scale = scale * ops.cast(self.gamma, x.dtype)
            shift = -mean * scale
            if self.center:
                shift = shift + ops.cast(self.beta, x.dtype)
            return scale, shift

        y, *moments = row_groups.normalized(
            x, self.ensemble_size, self.group_size, True, affine
        )
        averages = self.moving_mean, self.moving_variance
        for average, value in zip(averages, moments, strict=True):
            value = ops.cast(value[0], average.dtype)
            average.assign(
                average * self.momentum + value * (1.0 - self.momentum)
            )
        return ops.cast(y, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "ensemble_size": self.ensemble_size,
        }

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
