"""Batch normalization with separate statistics for each member."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments, row_groups
from mimo_keras.layers.fused_batch_norm import FusedBatchNormalization
from mimo_keras.layers.members import MembersLayer, rows_per_member
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class MemberBatchNormalization(MembersLayer):
    """M batch normalizations, one per member, in one layer.

    For member m, channel c: y = γ_mc (x - μ_mc) / √(σ²_mc + ε) + β_mc, with the
    mean and variance of that member's rows in training, and their moving
    averages in prediction. Equivalent to M `keras.layers.BatchNormalization`
    layers.

    Args:
        ensemble_size: M, the number of members.
        momentum: Momentum of the moving averages.
        epsilon: ε.
        synchronized: Whether mean and variance are computed over all replicas,
            as in `keras.layers.BatchNormalization`; TensorFlow only.
        group_size: g, the number of a member's successive rows with a mean and
            variance of their own in training; 0 for those of all its rows. See
            `row_groups.normalized`.

    Call arguments:
        inputs: Rows of all members, all of member 0 first: see
            `FoldMembers`.
        training: Whether to use the batch's mean and variance.
        mask: (M·B, ...), the positions that count towards them.

    Input shape:
        (M·B, ..., C).

    Output shape:
        The same.

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    x = mimo_keras.layers.FoldMembers(4)(images)
    x = mimo_keras.layers.MemberBatchNormalization(4)(x)
    ```

    Reference:
        Ioffe and Szegedy, Batch normalization, ICML 2015, algorithms 1 and 2;
        per member: edward2's EnsembleSyncBatchNorm, which runs only on TPUs.
    """

    def __init__(
        self,
        ensemble_size,
        momentum=0.99,
        epsilon=1e-3,
        synchronized=False,
        group_size=0,
        **kwargs,
    ):
        super().__init__(ensemble_size, **kwargs)
        if synchronized and keras.backend.backend() != "tensorflow":
            raise expected(
                "synchronized=False under this backend",
                f"synchronized=True, backend={keras.backend.backend()}",
                "Only TensorFlow has replicas: set KERAS_BACKEND=tensorflow.",
            )
        row_groups.check_size(group_size, synchronized)
        self.momentum = arguments.number("momentum", momentum, 0, 1)
        self.epsilon = arguments.number("epsilon", epsilon, 0)
        self.synchronized = synchronized
        self.group_size = group_size
        self.supports_masking = True

    def build(self, input_shape):
        self.gamma = self._add("gamma", "ones", input_shape)
        self.beta = self._add("beta", "zeros", input_shape)
        # Replicas see different rows: the mean over replicas is kept.
        moving = {"trainable": False, "aggregation": "mean"}
        self.moving_mean = self._add(
            "moving_mean", "zeros", input_shape, **moving
        )
        self.moving_variance = self._add(
            "moving_variance", "ones", input_shape, **moving
        )

    def _add(self, name, initializer, input_shape, **options):
        # One vector, member-major: rank 2 would make these look like kernels.
        return self.add_weight(
            shape=(self.ensemble_size * input_shape[-1],),
            initializer=initializer,
            name=name,
            autocast=False,
            **options,
        )

    def call(self, inputs, training=False, mask=None):
        rows_per_member(inputs.shape[0], self.ensemble_size)
        # In float32, as in Keras: squares overflow float16 and lose all
        # precision in bfloat16.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        if not (training and self.trainable):
            scale, shift = self._affine(
                x.dtype, self.moving_mean, self.moving_variance
            )
            x = x * self._of_rows(scale, x) + self._of_rows(shift, x)
            return ops.cast(x, self.compute_dtype)
        if self.group_size:
            return ops.cast(self._grouped(x, mask), self.compute_dtype)
        channels = inputs.shape[-1]
        x = ops.reshape(x, (self.ensemble_size, -1, channels))
        moments = self._moments(x, mask)
        mean, variance = (ops.reshape(value, (-1,)) for value in moments)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        scale, shift = self._affine(x.dtype, mean, variance)
        by_member = (self.ensemble_size, 1, channels)
        x = x * ops.reshape(scale, by_member) + ops.reshape(shift, by_member)
        return ops.cast(ops.reshape(x, ops.shape(inputs)), self.compute_dtype)

    def _grouped(self, x, mask):
        if mask is not None:
            raise expected(
                "group_size=0 with a mask",
                f"group_size={self.group_size}",
                "Groups count all positions.",
            )

        def affine(mean, variance):
            shape = (self.ensemble_size, 1, 1, 1, x.shape[-1])
            gamma, beta = (
                ops.reshape(ops.cast(value, x.dtype), shape)
                for value in (self.gamma, self.beta)
            )
            scale = gamma * ops.rsqrt(variance + self.epsilon)
            return scale, beta - mean * scale

        y, mean, variance = row_groups.normalized(
            x, self.ensemble_size, self.group_size, False, affine
        )
        self._move(self.moving_mean, ops.reshape(mean, (-1,)))
        self._move(self.moving_variance, ops.reshape(variance, (-1,)))
        return y

    def _moments(self, x, mask):
        """Returns mean and variance over axis 1 of x, (M, N, C)."""
        if mask is None:
            return ops.moments(x, 1, synchronized=self.synchronized)
        mask = ops.reshape(ops.cast(mask, "bool"), (*ops.shape(x)[:2], 1))
        # As in Keras: without positions that count they are 0, not NaN.
        count = ops.sum(ops.cast(mask, x.dtype), 1) + keras.config.epsilon()
        mean = ops.sum(ops.where(mask, x, 0), 1) / count
        squares = ops.where(mask, ops.square(x - mean[:, None]), 0)
        variance = ops.sum(squares, 1) / count
        return mean, variance

    def _affine(self, dtype, mean, variance):
        """Returns scale and shift, (M·C,), such that y = scale · x + shift."""
        # Weights are float32 too, except under a policy such as bfloat16.
        mean, variance, gamma, beta = (
            ops.cast(value, dtype)
            for value in (mean, variance, self.gamma, self.beta)
        )
        scale = gamma * ops.rsqrt(variance + self.epsilon)
        return scale, beta - mean * scale

    def _of_rows(self, values, x):
        """Returns the members' values (M·C,) for each row of x, (M·B, …, C).

        In prediction x itself is not reshaped: LiteRT, without its delegate,
        would write the product over x, which a shortcut may still need.
        """
        members, channels = self.ensemble_size, x.shape[-1]
        values = ops.reshape(values, (members, channels))
        values = ops.repeat(values, ops.shape(x)[0] // members, axis=0)
        return ops.reshape(values, (-1, *[1] * (len(x.shape) - 2), channels))

    def _move(self, average, value):
        value = ops.cast(value, average.dtype)
        average.assign(average * self.momentum + value * (1.0 - self.momentum))

    def member(self, index):
        """Returns one member's plain layer, and its weights."""
        options = {
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
            "name": self.name,
        }
        twin = (
            FusedBatchNormalization(group_size=self.group_size, **options)
            if self.group_size
            else keras.layers.BatchNormalization(**options)
        )
        rows = [
            weight.reshape(self.ensemble_size, -1)[index]
            for weight in self.get_weights()
        ]
        return Twin(twin, rows)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
            "group_size": self.group_size,
        }
