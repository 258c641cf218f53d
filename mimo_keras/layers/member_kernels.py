"""Convolutions and dense layers in which each member has its own kernel."""

import math

import keras
from keras import ops

from mimo_keras.layers import arguments
from mimo_keras.layers.members import MembersLayer, rows_per_member
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


class MemberKernels(MembersLayer):
    """Base of layers that apply a separate kernel to each member's rows.

    The rows of the batch are folded members, (M·B, …): see `FoldMembers`.
    """

    def __init__(self, ensemble_size, **kwargs):
        # Kernels stay in float32 until they are complete: see `apply`.
        super().__init__(ensemble_size, autocast=False, **kwargs)

    def apply(self, inputs, kernels, bias):
        """Applies each member's kernel to its rows, in the compute dtype.

        Args:
            inputs: (M·B, …, C).
            kernels: (M, …, C, U).
            bias: (M, U), (U,) if all members share it, or None.
        """
        members = self.ensemble_size
        rows_per_member(inputs.shape[0], members)
        inputs = ops.cast(inputs, self.compute_dtype)
        kernels = ops.cast(kernels, self.compute_dtype)
        outputs = self.by_member(inputs, kernels)
        if bias is None:
            return outputs
        bias = ops.cast(bias, self.compute_dtype)
        if len(bias.shape) == 1:
            return outputs + bias
        by_member = (members, *[1] * (len(outputs.shape) - 1), bias.shape[-1])
        rows = ops.reshape(outputs, (members, -1, *outputs.shape[1:]))
        rows = rows + ops.reshape(bias, by_member)
        return ops.reshape(rows, (-1, *outputs.shape[1:]))


class ConvolutionByMember(MemberKernels):
    """Base of `MemberConv2D` and `TemplateConv2D`.

    Args:
        filters: F, the number of output channels.
        kernel_size: Height and width, one integer or two.
        ensemble_size: M, the number of members.
        strides: One integer for both directions.
        padding: "same" or "valid".
        use_bias: Whether a bias is added.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        ensemble_size,
        strides=1,
        padding="same",
        use_bias=True,
        **kwargs,
    ):
        super().__init__(ensemble_size, **kwargs)
        size = arguments.sizes("kernel_size", kernel_size)
        self.filters = arguments.whole("filters", filters)
        self.kernel_size = size if isinstance(size, tuple) else (size,) * 2
        self.strides = arguments.sizes("strides", strides)
        self.padding = arguments.choice(
            "padding", str(padding).lower(), ("same", "valid")
        )
        self.use_bias = arguments.flag("use_bias", use_bias)

    def kernel_shape(self, input_shape):
        """Returns the shape of one member's kernel."""
        return (*self.kernel_size, input_shape[-1], self.filters)

    def by_member(self, inputs, kernels):
        rows = ops.split(inputs, self.ensemble_size, axis=0)
        outputs = [
            ops.conv(
                part,
                kernels[member],
                strides=self.strides,
                padding=self.padding,
                data_format="channels_last",
            )
            for member, part in enumerate(rows)
        ]
        return ops.concatenate(outputs, axis=0)

    def output_shape_of(self, input_shape):
        return self.plain().compute_output_shape(input_shape)

    def plain(self, name=None):
        """Returns the plain layer that can hold one member's kernel."""
        return keras.layers.Conv2D(
            self.filters,
            self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            use_bias=self.use_bias,
            data_format="channels_last",
            name=name or self.name,
        )

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of one call, from its shapes."""
        *rows, filters = output_shape
        kernel = (*self.kernel_size, input_shape[-1], filters)
        return math.prod(rows) * math.prod(kernel)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "use_bias": self.use_bias,
        }


class DenseByMember(MemberKernels):
    """Base of `MemberDense` and `TemplateDense`.

    Args:
        units: U, the number of outputs.
        ensemble_size: M, the number of members.
        use_bias: Whether a bias is added.
    """

    def __init__(self, units, *, ensemble_size, use_bias=True, **kwargs):
        super().__init__(ensemble_size, **kwargs)
        self.supports_masking = True
        self.units = arguments.whole("units", units)
        self.use_bias = arguments.flag("use_bias", use_bias)

    def kernel_shape(self, input_shape):
        """Returns the shape of one member's kernel."""
        return (input_shape[-1], self.units)

    def by_member(self, inputs, kernels):
        features = (self.ensemble_size, -1, inputs.shape[-1])
        outputs = ops.matmul(ops.reshape(inputs, features), kernels)
        # Positions of an example, if any, are rows of its member.
        return ops.reshape(outputs, (*ops.shape(inputs)[:-1], self.units))

    def output_shape_of(self, input_shape):
        return (*input_shape[:-1], self.units)

    def plain(self, name=None):
        """Returns the plain layer that can hold one member's kernel."""
        return keras.layers.Dense(
            self.units, use_bias=self.use_bias, name=name or self.name
        )

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of one call, from its shapes."""
        return math.prod(input_shape) * output_shape[-1]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
        }


class _OwnKernels:
    """Mixin: one kernel and bias per member, as weights of the layer."""

    def build(self, input_shape):
        kernel_shape = self.kernel_shape(input_shape)
        fan_in = math.prod(kernel_shape[:-1])
        # he_normal would count the members as part of the kernel.
        default = keras.initializers.RandomNormal(stddev=(2.0 / fan_in) ** 0.5)
        self.kernel = self.add_weight(
            shape=(self.ensemble_size, *kernel_shape),
            initializer=self.kernel_initializer or default,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.ensemble_size, kernel_shape[-1]),
                initializer="zeros",
                name="bias",
            )

    def call(self, inputs):
        return self.apply(inputs, self.kernel, self.bias)

    def compute_output_shape(self, input_shape):
        return self.output_shape_of(input_shape)

    def member(self, index):
        """Returns one member's plain layer, and its weights."""
        return Twin(self.plain(), [w[index] for w in self.get_weights()])

    def for_one_image(self):
        """Returns the plain layer for the sum over members, and its weights.

        If all members read the same input, Σ_m W_m * x = (Σ_m W_m) * x.
        """
        return Twin(self.plain(), [w.sum(axis=0) for w in self.get_weights()])

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
        }


@serializable
class MemberConv2D(_OwnKernels, ConvolutionByMember):
    """M convolutions, each applied to its member's rows.

    Args:
        filters: F, the number of output channels.
        kernel_size: Height and width, one integer or two.
        ensemble_size: M, the number of members.
        strides: One integer for both directions.
        padding: "same" or "valid".
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of the (M, …) kernels, such as
            `AlignedKernels`; None for he_normal's variance.
        kernel_regularizer: Regularizer of the (M, …) kernels; None for none.

    Input shape:
        (M·B, H, W, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, H', W', F).

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    x = mimo_keras.layers.FoldMembers(4)(images)
    x = mimo_keras.layers.MemberConv2D(16, 3, ensemble_size=4)(x)
    x = mimo_keras.layers.UnfoldMembers(4)(x)           # (B, 4, 32, 32, 16)
    ```

    Reference:
        Lakshminarayanan et al., Deep ensembles, NeurIPS 2017: members that
        share no weights.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        ensemble_size,
        strides=1,
        padding="same",
        use_bias=True,
        kernel_initializer=None,
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            ensemble_size=ensemble_size,
            strides=strides,
            padding=padding,
            use_bias=use_bias,
            **kwargs,
        )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)


@serializable
class MemberDense(_OwnKernels, DenseByMember):
    """M dense layers, each applied to its member's rows.

    Args:
        units: U, the number of outputs.
        ensemble_size: M, the number of members.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of the (M, …) kernels, such as
            `AlignedKernels`; None for he_normal's variance.
        kernel_regularizer: Regularizer of the (M, …) kernels; None for none.

    Input shape:
        (M·B, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, U).

    Example:

    ```python
    features = keras.Input((64,))
    x = mimo_keras.layers.FoldMembers(4)(features)
    x = mimo_keras.layers.MemberDense(10, ensemble_size=4)(x)
    logits = mimo_keras.layers.UnfoldMembers(4)(x)           # (B, 4, 10)
    ```

    Reference:
        Lakshminarayanan et al., Deep ensembles, NeurIPS 2017: members that
        share no weights.
    """

    def __init__(
        self,
        units,
        *,
        ensemble_size,
        use_bias=True,
        kernel_initializer=None,
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            units, ensemble_size=ensemble_size, use_bias=use_bias, **kwargs
        )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
