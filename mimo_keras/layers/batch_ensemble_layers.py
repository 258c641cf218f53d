"""The BatchEnsemble layers' arguments; `batch_ensemble` adds the equations.

All compute y = (W (x ∘ α_m)) ∘ γ_m + b_m for the rows of member m, where only
the fast weights α and γ and the bias b are the member's own.
"""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.members import checked_members
from mimo_keras.layers.random_sign import RandomSign


class BatchEnsembleLayer:
    """Base of the layers whose members scale the inputs and outputs of W."""

    unreported = ("fast_weight_lr_multiplier",)

    def __init__(
        self,
        *,
        ensemble_size,
        alpha_initializer,
        gamma_initializer,
        fast_weight_lr_multiplier,
        **kwargs,
    ):
        super().__init__(
            ensemble_size=checked_members(ensemble_size),
            alpha_initializer=_initializer(alpha_initializer),
            gamma_initializer=_initializer(gamma_initializer),
            **checked_sizes(kwargs),
        )
        self.fast_weight_lr_multiplier = arguments.number(
            "fast_weight_lr_multiplier", fast_weight_lr_multiplier, 0
        )

    @property
    def learning_rate_multipliers(self):
        """Pairs of a weight and its learning-rate factor."""
        factor = self.fast_weight_lr_multiplier
        return [(weight, factor) for weight in self.undecayed_weights]


class DenseBatchEnsemble(BatchEnsembleLayer):
    """A dense layer of M members that share a kernel W, each scaling it.

    Member m computes y = (W (x ∘ α_m)) ∘ γ_m + b_m.

    Args:
        units: U, the number of outputs.
        ensemble_size: M, the number of members.
        rank: Number of pairs (α, γ) of each member, whose results are summed.
        activation: As for `keras.layers.Dense`.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, U) biases.
        alpha_initializer: Initializer of the (M, C) input factors.
            "random_sign" is `RandomSign(0.5)`, as in the paper: members start
            different. With "ones" they start, and stay, equal.
        gamma_initializer: Likewise, of the (M, U) output factors.
        fast_weight_lr_multiplier: Factor on the learning rate of α and γ;
            applied by `EnsembleModel`.
        **kwargs: Other arguments of `keras.layers.Dense`, such as name, dtype
            and kernel_regularizer.

    Input shape:
        (M·B, ..., C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, ..., U).

    Example:

    ```python
    features = keras.Input((64,))
    x = mimo_keras.layers.FoldMembers(4)(features)
    x = mimo_keras.layers.DenseBatchEnsemble(10, ensemble_size=4)(x)
    logits = mimo_keras.layers.UnfoldMembers(4)(x)          # (B, 4, 10)
    ```

    Reference:
        Wen et al., BatchEnsemble: an alternative approach to efficient
        ensemble and lifelong learning, ICLR 2020, equations 1 to 5.
    """

    unreported = ("rank", "fast_weight_lr_multiplier")

    def __init__(
        self,
        units,
        *,
        ensemble_size,
        rank=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        alpha_initializer="random_sign",
        gamma_initializer="random_sign",
        fast_weight_lr_multiplier=1.0,
        **kwargs,
    ):
        super().__init__(
            units=units,
            ensemble_size=ensemble_size,
            rank=rank,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            alpha_initializer=alpha_initializer,
            gamma_initializer=gamma_initializer,
            fast_weight_lr_multiplier=fast_weight_lr_multiplier,
            **kwargs,
        )

    def call(self, inputs):
        if len(inputs.shape) == 2:
            return super().call(inputs)
        # All positions of an example belong to its member.
        rows = ops.reshape(inputs, (-1, inputs.shape[-1]))
        outputs = super().call(rows)
        return ops.reshape(outputs, (*ops.shape(inputs)[:-1], self.units))


class Conv1DBatchEnsemble(BatchEnsembleLayer):
    """A 1D convolution of M members that share a kernel W, each scaling it.

    Member m computes y = (W * (x ∘ α_m)) ∘ γ_m + b_m.

    Args:
        filters: F, the number of output channels.
        kernel_size: Length of the kernel.
        ensemble_size: M, the number of members.
        strides: Step of the kernel.
        padding: "valid", "same" or "causal".
        activation: As for `keras.layers.Conv1D`.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, F) biases.
        alpha_initializer: Initializer of the (M, C) input factors; see
            `DenseBatchEnsemble`.
        gamma_initializer: Likewise, of the (M, F) output factors.
        fast_weight_lr_multiplier: Factor on the learning rate of α and γ.
        **kwargs: Other arguments of `keras.layers.Conv1D`, such as name, dtype
            and dilation_rate.

    Input shape:
        (M·B, T, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, T', F).

    Example:

    ```python
    series = keras.Input((20, 3))
    x = mimo_keras.layers.FoldMembers(4)(series)
    x = mimo_keras.layers.Conv1DBatchEnsemble(8, 3, ensemble_size=4)(x)
    x = mimo_keras.layers.UnfoldMembers(4)(x)               # (B, 4, 18, 8)
    ```

    Reference:
        Wen et al., BatchEnsemble, ICLR 2020, equations 1 to 5.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        ensemble_size,
        strides=1,
        padding="valid",
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        alpha_initializer="random_sign",
        gamma_initializer="random_sign",
        fast_weight_lr_multiplier=1.0,
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            ensemble_size=ensemble_size,
            strides=strides,
            padding=padding,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            alpha_initializer=alpha_initializer,
            gamma_initializer=gamma_initializer,
            fast_weight_lr_multiplier=fast_weight_lr_multiplier,
            **kwargs,
        )


class Conv2DBatchEnsemble(BatchEnsembleLayer):
    """A 2D convolution of M members that share a kernel W, each scaling it.

    Member m computes y = (W * (x ∘ α_m)) ∘ γ_m + b_m.

    Args:
        filters: F, the number of output channels.
        kernel_size: Height and width, one integer or two.
        ensemble_size: M, the number of members.
        strides: One integer or two.
        padding: "valid" or "same".
        rank: Number of pairs (α, γ) of each member, whose results are summed.
        activation: As for `keras.layers.Conv2D`.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, F) biases.
        alpha_initializer: Initializer of the (M, C) input factors; see
            `DenseBatchEnsemble`.
        gamma_initializer: Likewise, of the (M, F) output factors.
        fast_weight_lr_multiplier: Factor on the learning rate of α and γ.
        **kwargs: Other arguments of `keras.layers.Conv2D`, such as name, dtype
            and dilation_rate.

    Input shape:
        (M·B, H, W, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, H', W', F).

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    x = mimo_keras.layers.FoldMembers(4)(images)
    x = mimo_keras.layers.Conv2DBatchEnsemble(8, 3, ensemble_size=4)(x)
    x = mimo_keras.layers.UnfoldMembers(4)(x)            # (B, 4, 30, 30, 8)
    ```

    Reference:
        Wen et al., BatchEnsemble, ICLR 2020, equations 1 to 5.
    """

    unreported = ("rank", "fast_weight_lr_multiplier")

    def __init__(
        self,
        filters,
        kernel_size,
        *,
        ensemble_size,
        strides=1,
        padding="valid",
        rank=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        alpha_initializer="random_sign",
        gamma_initializer="random_sign",
        fast_weight_lr_multiplier=1.0,
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            ensemble_size=ensemble_size,
            strides=strides,
            padding=padding,
            rank=rank,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            alpha_initializer=alpha_initializer,
            gamma_initializer=gamma_initializer,
            fast_weight_lr_multiplier=fast_weight_lr_multiplier,
            **kwargs,
        )

        if rank > 1 and use_bias and keras.backend.backend() == "tensorflow":
            raise expected(
                "no bias in a convolution of several pairs",
                f"rank={rank}, use_bias={use_bias}",
                "Pass use_bias=False: edward2 adds biases only at rank 1.",
            )

    # edward2's own cannot tell: it returns unknown sizes.
    def compute_output_shape(self, input_shape):
        return keras.layers.Conv2D.compute_output_shape(self, input_shape)


class DepthwiseConv2DBatchEnsemble(BatchEnsembleLayer):
    """A depthwise convolution of M members that share a kernel W.

    Member m computes y = (W * (x ∘ α_m)) ∘ γ_m + b_m, channel by channel.

    Args:
        kernel_size: Height and width, one integer or two.
        ensemble_size: M, the number of members.
        strides: One integer for both directions.
        padding: "valid" or "same".
        depth_multiplier: Output channels for each input channel.
        activation: As for `keras.layers.DepthwiseConv2D`.
        use_bias: Whether each member adds its own bias.
        depthwise_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, F) biases.
        alpha_initializer: Initializer of the (M, C) input factors; see
            `DenseBatchEnsemble`.
        gamma_initializer: Likewise, of the (M, F) output factors.
        fast_weight_lr_multiplier: Factor on the learning rate of α and γ.
        **kwargs: Other arguments of `keras.layers.DepthwiseConv2D`, such as
            name, dtype and dilation_rate.

    Input shape:
        (M·B, H, W, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, H', W', F), where F is C times the depth multiplier.

    Example:

    ```python
    maps = keras.Input((16, 16, 8))
    x = mimo_keras.layers.FoldMembers(4)(maps)
    x = mimo_keras.layers.DepthwiseConv2DBatchEnsemble(3, ensemble_size=4)(x)
    x = mimo_keras.layers.UnfoldMembers(4)(x)            # (B, 4, 14, 14, 8)
    ```

    Reference:
        Wen et al., BatchEnsemble, ICLR 2020, equations 1 to 5.
    """

    def __init__(
        self,
        kernel_size,
        *,
        ensemble_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        alpha_initializer="random_sign",
        gamma_initializer="random_sign",
        fast_weight_lr_multiplier=1.0,
        **kwargs,
    ):
        super().__init__(
            kernel_size=kernel_size,
            ensemble_size=ensemble_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            alpha_initializer=alpha_initializer,
            gamma_initializer=gamma_initializer,
            fast_weight_lr_multiplier=fast_weight_lr_multiplier,
            **kwargs,
        )
        # edward2 would also activate and add a bias before γ.
        self.activation = keras.activations.linear
        self.use_bias = False

    @property
    def bensemble_ias_initializer(self):
        """What edward2's get_config asks for, misspelled."""
        return self.ensemble_bias_initializer


def checked_sizes(options):
    """Returns the arguments of a layer of edward2, checked as far as ours.

    Keras refuses sizes that are NumPy's, and edward2 initializers that are
    classes.
    """
    checked = {name: arguments.plain(value) for name, value in options.items()}
    for name in {"units", "filters", "rank"} & {*checked}:
        checked[name] = arguments.whole(name, checked[name])
    for name in checked:
        if name.endswith("_initializer") and isinstance(checked[name], type):
            checked[name] = checked[name]()
    return checked


def _initializer(initializer):
    # A new one each time: an instance draws the same numbers at each call.
    if isinstance(initializer, str) and initializer == "random_sign":
        return RandomSign()
    return initializer() if isinstance(initializer, type) else initializer
