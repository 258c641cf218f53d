"""The rank-1 layers' arguments; `batch_ensemble` adds the equations.

All compute y = (W (x ∘ α)) ∘ γ + b_m for the rows of member m, with α and γ
sampled from that member's posterior.
"""

import functools
import math

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import arguments, plain_draws, posteriors
from mimo_keras.layers.batch_ensemble_layers import checked_sizes
from mimo_keras.layers.members import checked_members
from mimo_keras.layers.random_sign import RandomSign


def normal_posterior(mean_initializer=None, dropout_rate=1e-3):
    """Returns a normal posterior of factors, in the form that edward2 reads.

    Args:
        mean_initializer: Initializer of its means; None for `RandomSign(0.5)`,
            so that members start different.
        dropout_rate: p, which sets its initial standard deviations,
            √(p / (1 - p)): the noise of Gaussian dropout.
    """
    stddev = math.sqrt(dropout_rate / (1.0 - dropout_rate))
    return {
        "class_name": "TrainableNormal",
        "config": {
            "mean_initializer": mean_initializer or RandomSign(),
            "stddev_initializer": keras.initializers.TruncatedNormal(
                math.log(math.expm1(stddev)), 0.1
            ),
        },
    }


class Rank1Layer:
    """Base of the layers whose factors have a posterior for each member."""

    unreported = (
        "use_additive_perturbation",
        "min_perturbation_value",
        "max_perturbation_value",
        "add_kl_loss",
    )

    def __init__(
        self,
        *,
        ensemble_size,
        alpha_initializer,
        gamma_initializer,
        seed,
        add_kl_loss,
        **kwargs,
    ):
        seed = arguments.seed(seed)
        # edward2 adds its losses once, as functions; Keras 3 expects tensors.
        self._loss_functions = []
        super().__init__(
            ensemble_size=checked_members(ensemble_size),
            alpha_initializer=_initializer(alpha_initializer),
            gamma_initializer=_initializer(gamma_initializer),
            **checked_sizes(kwargs),
        )
        self.add_kl_loss = arguments.flag("add_kl_loss", add_kl_loss)
        if not isinstance(seed, keras.random.SeedGenerator):
            seed = keras.random.SeedGenerator(seed)
        self.seed = seed
        for name in ("alpha", "gamma", "ensemble_bias"):
            self._adopt(f"{name}_initializer")

    def _adopt(self, name):
        """Replaces an edward2 initializer with weights by our subclass."""
        initializer = getattr(self, name)
        if isinstance(initializer, posteriors.Posterior):
            return  # In keras.ops: it draws with our seed by itself.
        if isinstance(initializer, keras.layers.Layer):
            config = keras.saving.serialize_keras_object(initializer)
            keras_internals.forget_layer(self, initializer)
            initializer = keras.saving.deserialize_keras_object(config)
            initializer.draw = functools.partial(
                _draw, self.seed, self.compute_dtype
            )
            setattr(self, name, initializer)

    def add_loss(self, loss):
        if callable(loss):
            self._loss_functions.append(loss)
        else:
            super().add_loss(loss)

    def kl_divergence(self):
        """Returns KL(posteriors, prior), summed over members and factors."""
        return sum(loss_function() for loss_function in self._loss_functions)

    def call(self, inputs):
        if self.add_kl_loss and self._loss_functions:
            self.add_loss(self.kl_divergence())
        return super().call(inputs)

    def get_config(self):
        seed = keras.saving.serialize_keras_object(self.seed)
        return {**super().get_config(), "seed": seed}

    @classmethod
    def from_config(cls, config):
        seed = keras.saving.deserialize_keras_object(config["seed"])
        return super().from_config({**config, "seed": seed})


class DenseRank1(Rank1Layer):
    """A dense layer whose rank-1 factors follow a mixture of M posteriors.

    Member m computes y = (W (x ∘ α)) ∘ γ + b_m with α and γ sampled from its
    own posterior for each row.

    Args:
        units: U, the number of outputs.
        ensemble_size: M, the number of members.
        activation: As for `keras.layers.Dense`.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, U) biases.
        alpha_initializer: Posterior of the (M, C) input factors: None for
            `rank1_layers.normal_posterior()`, normal distributions around
            random signs, so that members start different; or an initializer
            of edward2 such as "trainable_normal", around 0. Other backends
            than TensorFlow have that and "trainable_deterministic".
        gamma_initializer: Likewise, of the (M, U) output factors.
        alpha_regularizer: The KL divergence from the prior; by default from
            N(0, 1).
        gamma_regularizer: Likewise.
        use_additive_perturbation: Whether factors are added, not multiplied.
        min_perturbation_value: Samples are clipped to be at least this.
        max_perturbation_value: Samples are clipped to be at most this.
        seed: Integer, None for a random seed, or a keras.random.SeedGenerator
            for the samples.
        add_kl_loss: Whether each call adds `kl_divergence()` to the layer's
            losses, as a custom keras.Model needs. `EnsembleModel` calls
            `kl_divergence` itself: the replicas of a tf.distribute strategy
            share one list of losses, so each would also see those of the
            others.
        **kwargs: Other arguments of `keras.layers.Dense`, such as name, dtype
            and kernel_regularizer.

    Input shape:
        (M·B, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, U).

    Example:

    ```python
    features = keras.Input((64,))
    x = mimo_keras.layers.FoldMembers(4)(features)
    x = mimo_keras.layers.DenseRank1(10, ensemble_size=4)(x)
    logits = mimo_keras.layers.UnfoldMembers(4)(x)          # (B, 4, 10)
    ```

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020, section 3.
    """

    def __init__(
        self,
        units,
        *,
        ensemble_size,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        alpha_initializer=None,
        gamma_initializer=None,
        alpha_regularizer="normal_kl_divergence",
        gamma_regularizer="normal_kl_divergence",
        use_additive_perturbation=False,
        min_perturbation_value=-10,
        max_perturbation_value=10,
        seed=None,
        add_kl_loss=True,
        **kwargs,
    ):
        super().__init__(
            units=units,
            ensemble_size=ensemble_size,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            alpha_initializer=alpha_initializer,
            gamma_initializer=gamma_initializer,
            alpha_regularizer=alpha_regularizer,
            gamma_regularizer=gamma_regularizer,
            use_additive_perturbation=use_additive_perturbation,
            min_perturbation_value=min_perturbation_value,
            max_perturbation_value=max_perturbation_value,
            seed=seed,
            add_kl_loss=add_kl_loss,
            **kwargs,
        )

    def build(self, input_shape):
        if len(input_shape) != 2:
            raise expected(
                f"vectors (M·B, C) for {self.name}, a DenseRank1 layer",
                f"shape={tuple(input_shape)}",
                "Use a convolution of kernel_size 1, whose positions share "
                "their example's sample.",
            )
        super().build(input_shape)


class _ConvRank1(Rank1Layer):
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
        alpha_initializer=None,
        gamma_initializer=None,
        alpha_regularizer="normal_kl_divergence",
        gamma_regularizer="normal_kl_divergence",
        use_additive_perturbation=False,
        min_perturbation_value=-10,
        max_perturbation_value=10,
        seed=None,
        add_kl_loss=True,
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
            alpha_regularizer=alpha_regularizer,
            gamma_regularizer=gamma_regularizer,
            use_additive_perturbation=use_additive_perturbation,
            min_perturbation_value=min_perturbation_value,
            max_perturbation_value=max_perturbation_value,
            seed=seed,
            add_kl_loss=add_kl_loss,
            **kwargs,
        )


class Conv1DRank1(_ConvRank1):
    """A 1D convolution whose rank-1 factors follow M posteriors.

    Member m computes y = (W * (x ∘ α)) ∘ γ + b_m with α and γ sampled from its
    own posterior for each row.

    Args:
        filters: F, the number of output channels.
        kernel_size: Length of the kernel.
        ensemble_size: M, the number of members.
        strides: Step of the kernel.
        padding: "valid" or "same".
        activation: As for `keras.layers.Conv1D`.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, F) biases.
        alpha_initializer: Posterior of the (M, C) input factors; see
            `DenseRank1`, as for the arguments below.
        gamma_initializer: Likewise, of the (M, F) output factors.
        alpha_regularizer: The KL divergence from the prior.
        gamma_regularizer: Likewise.
        use_additive_perturbation: Whether factors are added, not multiplied.
        min_perturbation_value: Samples are clipped to be at least this.
        max_perturbation_value: Samples are clipped to be at most this.
        seed: Integer, None, or a keras.random.SeedGenerator.
        add_kl_loss: Whether each call adds `kl_divergence()` to the losses.
        **kwargs: Other arguments of `keras.layers.Conv1D`, such as name,
            dtype and dilation_rate.

    Input shape:
        (M·B, T, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, T', F).

    Example:

    ```python
    images = keras.Input((20, 3))
    x = mimo_keras.layers.FoldMembers(4)(images)
    x = mimo_keras.layers.Conv1DRank1(8, 3, ensemble_size=4)(x)
    x = mimo_keras.layers.UnfoldMembers(4)(x)            # (B, 4, 18, 8)
    ```

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020, section 3.
    """


class Conv2DRank1(_ConvRank1):
    """A 2D convolution whose rank-1 factors follow M posteriors.

    Member m computes y = (W * (x ∘ α)) ∘ γ + b_m with α and γ sampled from its
    own posterior for each row.

    Args:
        filters: F, the number of output channels.
        kernel_size: Height and width, one integer or two.
        ensemble_size: M, the number of members.
        strides: One integer or two.
        padding: "valid" or "same".
        activation: As for `keras.layers.Conv2D`.
        use_bias: Whether each member adds its own bias.
        kernel_initializer: Initializer of W.
        bias_initializer: Initializer of the (M, F) biases.
        alpha_initializer: Posterior of the (M, C) input factors; see
            `DenseRank1`, as for the arguments below.
        gamma_initializer: Likewise, of the (M, F) output factors.
        alpha_regularizer: The KL divergence from the prior.
        gamma_regularizer: Likewise.
        use_additive_perturbation: Whether factors are added, not multiplied.
        min_perturbation_value: Samples are clipped to be at least this.
        max_perturbation_value: Samples are clipped to be at most this.
        seed: Integer, None, or a keras.random.SeedGenerator.
        add_kl_loss: Whether each call adds `kl_divergence()` to the losses.
        **kwargs: Other arguments of `keras.layers.Conv2D`, such as name,
            dtype and dilation_rate.

    Input shape:
        (M·B, H, W, C), all rows of member 0 first: see `FoldMembers`.

    Output shape:
        (M·B, H', W', F).

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    x = mimo_keras.layers.FoldMembers(4)(images)
    x = mimo_keras.layers.Conv2DRank1(8, 3, ensemble_size=4)(x)
    x = mimo_keras.layers.UnfoldMembers(4)(x)            # (B, 4, 30, 30, 8)
    ```

    Reference:
        Dusenberry et al., Efficient and scalable Bayesian neural nets with
        rank-1 factors, ICML 2020, section 3.
    """


def _initializer(initializer):
    if isinstance(initializer, type):
        return initializer()
    return normal_posterior() if initializer is None else initializer


def _draw(generator, dtype, distribution, sample, count):
    """Samples a distribution with our own seed and the layer's dtype."""
    inner = getattr(distribution, "distribution", None)
    if type(inner).__name__ == "Normal":
        moments = inner.loc, inner.scale
        return posteriors.draw_normal(generator, *moments, count, dtype)
    if plain_draws.next_key(generator) is not None:
        raise expected(
            "normal posteriors, which plain operations can draw",
            f"{type(inner).__name__}",
            "Export to tf_saved_model, which has random operations.",
        )
    seed = ops.cast(generator.next(), "int32")
    return ops.cast(sample(count, seed=seed), dtype)
