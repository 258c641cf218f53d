"""The rank-1 layers' equations in keras.ops, for backends without edward2."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import posteriors
from mimo_keras.layers.fast_weights import FastWeights


class Rank1Factors(FastWeights):
    """Mixin before a Keras layer of one kernel: factors with posteriors.

    The arguments, weights and config are those of edward2's layers.
    """

    def __init__(
        self,
        *,
        alpha_regularizer,
        gamma_regularizer,
        use_additive_perturbation,
        min_perturbation_value,
        max_perturbation_value,
        alpha_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.alpha_regularizer = self._part(alpha_regularizer, "regularizers")
        self.gamma_regularizer = self._part(gamma_regularizer, "regularizers")
        self.alpha_constraint = self._part(alpha_constraint, "constraints")
        self.gamma_constraint = self._part(gamma_constraint, "constraints")
        self.use_additive_perturbation = use_additive_perturbation
        self.min_perturbation_value = min_perturbation_value
        self.max_perturbation_value = max_perturbation_value

    def _part(self, identifier, kind="initializers"):
        return posteriors.part(identifier, getattr(keras, kind))

    def _vectors(self, name, shape):
        initializer = getattr(self, f"{name}_initializer")
        regularizer = getattr(self, f"{name}_regularizer")
        of_normals = isinstance(regularizer, posteriors.NormalKLDivergence)
        is_posterior = isinstance(initializer, posteriors.Posterior)
        is_normal = isinstance(initializer, posteriors.TrainableNormal)
        special = regularizer is not None and (of_normals or is_posterior)
        if special and not (of_normals and is_normal):
            raise expected(
                "a KL divergence of normal posteriors",
                f"{name}_regularizer={regularizer}, "
                f"{name}_initializer={initializer}",
                f"Pass {name}_regularizer=None.",
            )
        if not is_posterior:
            return super()._vectors(name, shape)
        initializer.build(shape)
        if of_normals:
            self._loss_functions.append(
                lambda: regularizer(initializer.moments)
            )
        return None

    def call(self, inputs):
        alpha = self._rows("alpha", inputs)
        gamma = self._rows("gamma", inputs)
        plain = super(FastWeights, self).call
        if self.use_additive_perturbation:
            outputs = plain(inputs + self._spread(alpha, inputs))
            outputs += self._spread(gamma, outputs)
        else:
            outputs = plain(inputs * self._spread(alpha, inputs))
            outputs *= self._spread(gamma, outputs)
        if self.use_ensemble_bias:
            bias = self._rows("ensemble_bias", inputs)
            outputs += self._spread(bias, outputs)
        return self.ensemble_activation(outputs)

    def _rows(self, name, inputs):
        """Returns each row's factors or biases, (M·B, C)."""
        count = ops.shape(inputs)[0] // self.ensemble_size
        posterior = getattr(self, f"{name}_initializer")
        if not isinstance(posterior, posteriors.Posterior):
            return ops.repeat(getattr(self, name), count, axis=0)
        drawn = posterior.sample(count, self.seed, self.compute_dtype)
        if name != "ensemble_bias":
            limits = self.min_perturbation_value, self.max_perturbation_value
            drawn = ops.clip(drawn, *limits)
        # Of each member all rows, as the inputs are.
        return ops.reshape(ops.swapaxes(drawn, 0, 1), (-1, drawn.shape[-1]))

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        names = ("alpha_regularizer", "gamma_regularizer")
        names += ("alpha_constraint", "gamma_constraint")
        parts = {name: serialize(getattr(self, name)) for name in names}
        return {**super().get_config(), **parts}
