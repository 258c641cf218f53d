"""Convolutions and dense layers whose kernels are mixtures of templates."""

import math

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.member_kernels import ConvolutionByMember, DenseByMember
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class UnitNorm(keras.initializers.Initializer):
    """Normal draws, scaled so that each row's sum of squares is 1.

    A mixture Σ_l α_l T_l of independent templates of variance v has variance
    v Σ_l α_l², so exactly v with these coefficients.

    Args:
        norm: Root of the sum of squares.
        seed: As for keras.initializers.RandomNormal.
    """

    def __init__(self, norm=1.0, seed=None):
        self.norm = norm
        self.normal = keras.initializers.RandomNormal(stddev=1.0, seed=seed)

    def __call__(self, shape, dtype=None):
        drawn = self.normal(shape, dtype=dtype)
        length = ops.sqrt(ops.sum(ops.square(drawn), axis=-1, keepdims=True))
        return self.norm * drawn / length

    def get_config(self):
        return {"norm": self.norm, "seed": self.normal.get_config()["seed"]}


class _Templates:
    """Mixin: kernels composed of templates."""

    def __init__(
        self,
        *,
        templates,
        offset,
        coefficient_norm,
        train_coefficients,
        kernel_regularizer,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.templates = arguments.whole("templates", templates)
        offset = arguments.plain(offset)
        self.offset = tuple(offset) if isinstance(offset, list) else offset
        self.coefficient_norm = arguments.number(
            "coefficient_norm", coefficient_norm
        )
        self.train_coefficients = arguments.flag(
            "train_coefficients", train_coefficients
        )
        self._check()

    def _check(self):
        many = isinstance(self.offset, tuple)
        offsets = list(self.offset) if many else [self.offset]
        offsets = [arguments.whole("offset", x, None) for x in offsets]
        if many and len(offsets) != self.ensemble_size or min(offsets) < 0:
            raise expected(
                f"an offset from 0, or {self.ensemble_size} of them",
                f"offset={self.offset}",
                "It is the position of the first template in the bank.",
            )
        single = self.templates == 1 and not many
        if not (self.train_coefficients or single):
            raise expected(
                "templates=1 if there are no coefficients",
                f"templates={self.templates}",
                "It is the number of templates that the layer mixes.",
            )

    def build(self, inputs_shape, bank_shape):
        shape = self.kernel_shape(inputs_shape)
        self._shape = shape
        needed = self.templates * math.prod(shape)
        if bank_shape[0] < needed:
            raise expected(
                f"a bank of at least {needed} numbers, {self.templates} "
                f"templates of the shape {shape}",
                f"num_params={bank_shape[0]}",
                "Enlarge the TemplateBank or lower templates.",
            )
        self.coefficients = self.bias = None
        if self.train_coefficients:
            self.coefficients = self.add_weight(
                shape=(self.ensemble_size, self.templates),
                initializer=UnitNorm(self.coefficient_norm),
                name="coefficients",
            )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(shape[-1],), initializer="zeros", name="bias"
            )

    @property
    def undecayed_weights(self):
        """The coefficients, which are excluded from L2."""
        return [] if self.coefficients is None else [self.coefficients]

    def kernels(self, bank):
        """Returns the kernels (M, …) of all members, in float32.

        They are composed once per call, whatever the number of rows.

        Args:
            bank: (P,), the output of the `TemplateBank`.
        """
        shape = (self.ensemble_size, *self._shape)
        if self.coefficients is None:
            template = ops.reshape(self._slice(bank, self.offset), self._shape)
            return ops.broadcast_to(template, shape)
        if isinstance(self.offset, tuple):
            # Einsum would copy; members are few, and each is one product.
            members = range(self.ensemble_size)
            mixed = ops.concatenate([self._mixed(bank, m) for m in members])
        else:
            mixed = ops.matmul(
                self.coefficients, self._slice(bank, self.offset)
            )
        return ops.reshape(mixed, shape)

    def _mixed(self, bank, member):
        """Returns one member's kernel as a row (1, s)."""
        many = isinstance(self.offset, tuple)
        offset = self.offset[member] if many else self.offset
        templates = self._slice(bank, offset)
        if self.coefficients is None:
            return templates
        row = self.coefficients[member : member + 1]
        return ops.matmul(row, templates)

    def _slice(self, bank, offset):
        """Returns the templates (t, s) that start at `offset` in the bank."""
        size = math.prod(self._shape)
        start = offset % bank.shape[0]
        stop = start + self.templates * size
        numbers = bank[start:stop]
        if stop > bank.shape[0]:
            rest = bank[: stop - bank.shape[0]]
            numbers = ops.concatenate([numbers, rest])
        return ops.reshape(numbers, (self.templates, size))

    def call(self, inputs, bank):
        kernels = self.kernels(bank)
        if self.kernel_regularizer is not None:
            penalties = [
                self.kernel_regularizer(kernels[member])
                for member in range(self.ensemble_size)
            ]
            self.add_loss(sum(penalties) / self.ensemble_size)
        return self.apply(inputs, kernels, self.bias)

    def compute_output_shape(self, inputs_shape, bank_shape):
        return self.output_shape_of(inputs_shape)

    def member(self, index):
        """Returns one member's plain layer, and its current weights."""
        _, templates = self.input
        bank = keras_internals.maker(templates)
        kernel = self._mixed(ops.reshape(bank.templates, (-1,)), index)
        weights = [ops.convert_to_numpy(ops.reshape(kernel, self._shape))]
        if self.bias is not None:
            weights.append(ops.convert_to_numpy(self.bias))
        # Its kernel is already composed: it reads no bank.
        return Twin(self.plain(), weights, reads_first_only=True)

    def get_config(self):
        return {
            **super().get_config(),
            "templates": self.templates,
            "offset": self.offset,
            "coefficient_norm": self.coefficient_norm,
            "train_coefficients": self.train_coefficients,
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
        }


@serializable
class TemplateConv2D(_Templates, ConvolutionByMember):
    """A convolution whose kernels are linear mixtures of templates.

    Member i convolves its rows with θ_i = Σ_l α_il T_l. The templates T come
    from the bank and are shared by all members and layers that use it; only the
    coefficients α are specific to a member.

    Args:
        filters: F, the number of output channels.
        kernel_size: Height and width, one integer or two.
        ensemble_size: M, the number of members.
        strides: One integer for both directions.
        padding: "same" or "valid".
        use_bias: Whether to add a bias, which all members share.
        templates: t, the number of templates that the layer mixes. Of 1 alone,
            members start with the kernel or its negative: two may be equal.
        offset: Position of the first template in the bank, which the others
            follow; or M positions, if members have their own.
        coefficient_norm: √(Σ_l α_il²) at initialization.
        train_coefficients: If False, there are no coefficients: all members use
            the one template as their kernel.
        kernel_regularizer: Regularizer of a kernel; the loss is the mean over
            members. None for none.

    Call arguments:
        inputs: Folded rows.
        bank: What a `TemplateBank` returns.

    Input shape:
        (M·B, H, W, C), all rows of member 0 first: see `FoldMembers`; and
        (P,).

    Output shape:
        (M·B, H', W', F).

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    templates = mimo_keras.layers.TemplateBank(2 * 3 * 3 * 3 * 16)(images)
    x = mimo_keras.layers.FoldMembers(4)(images)
    conv = mimo_keras.layers.TemplateConv2D(
        16, 3, ensemble_size=4, templates=2
    )
    x = mimo_keras.layers.UnfoldMembers(4)(conv(x, templates))
    ```

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, equations 1 and 2.
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
        templates=1,
        offset=0,
        coefficient_norm=1.0,
        train_coefficients=True,
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            ensemble_size=ensemble_size,
            strides=strides,
            padding=padding,
            use_bias=use_bias,
            templates=templates,
            offset=offset,
            coefficient_norm=coefficient_norm,
            train_coefficients=train_coefficients,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )


@serializable
class TemplateDense(_Templates, DenseByMember):
    """A dense layer whose kernels are linear mixtures of templates.

    Args:
        units: U, the number of outputs.
        ensemble_size: M, the number of members.
        use_bias: Whether to add a bias, which all members share.
        templates: t, the number of templates that the layer mixes. Of 1 alone,
            members start with the kernel or its negative: two may be equal.
        offset: Position of the first template in the bank, or M positions: see
            `TemplateConv2D`.
        coefficient_norm: √(Σ_l α_il²) at initialization.
        train_coefficients: See `TemplateConv2D`.
        kernel_regularizer: See `TemplateConv2D`.

    Call arguments:
        inputs: Folded rows.
        bank: What a `TemplateBank` returns.

    Input shape:
        (M·B, C), all rows of member 0 first: see `FoldMembers`; and (P,).

    Output shape:
        (M·B, U).

    Example:

    ```python
    features = keras.Input((64,))
    templates = mimo_keras.layers.TemplateBank(2 * 64 * 10)(features)
    dense = mimo_keras.layers.TemplateDense(10, ensemble_size=4, templates=2)
    x = mimo_keras.layers.FoldMembers(4)(features)
    logits = mimo_keras.layers.UnfoldMembers(4)(dense(x, templates))
    ```

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, equations 1 and 2.
    """

    def __init__(
        self,
        units,
        *,
        ensemble_size,
        use_bias=True,
        templates=1,
        offset=0,
        coefficient_norm=1.0,
        train_coefficients=True,
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            units=units,
            ensemble_size=ensemble_size,
            use_bias=use_bias,
            templates=templates,
            offset=offset,
            coefficient_norm=coefficient_norm,
            train_coefficients=train_coefficients,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
