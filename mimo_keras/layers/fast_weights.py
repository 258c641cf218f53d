"""BatchEnsemble's equations in keras.ops, for backends without edward2."""

import keras
from keras import ops


class FastWeights:
    """Mixin before a Keras layer of one kernel: adds factors for each member.

    The arguments, weights and config are those of edward2's layers.
    """

    def __init__(
        self,
        *,
        ensemble_size,
        alpha_initializer,
        gamma_initializer,
        rank=None,
        activation=None,
        use_bias=True,
        bias_initializer="zeros",
        bias_regularizer=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activation=None, use_bias=False, **kwargs)
        if rank is not None:
            self.rank = rank
        self._pairs = rank or 1
        self.ensemble_size = ensemble_size
        self.alpha_initializer = self._part(alpha_initializer)
        self.gamma_initializer = self._part(gamma_initializer)
        self.ensemble_activation = keras.activations.get(activation)
        self.use_ensemble_bias = use_bias
        self.ensemble_bias_initializer = self._part(bias_initializer)
        self.ensemble_bias_regularizer = keras.regularizers.get(
            bias_regularizer
        )
        self.ensemble_bias_constraint = keras.constraints.get(bias_constraint)

    def _part(self, identifier, kind="initializers"):
        """Returns the initializer or similar that an argument describes."""
        return getattr(keras, kind).get(identifier)

    def build(self, input_shape):
        super().build(input_shape)
        axis = self._channel_axis()
        outputs = self.compute_output_shape(input_shape)[axis]
        members = (self.ensemble_size,)
        if self._pairs > 1:
            members = (self._pairs, *members)
        self.alpha = self._vectors("alpha", (*members, input_shape[axis]))
        self.gamma = self._vectors("gamma", (*members, outputs))
        self.ensemble_bias = None
        if self.use_ensemble_bias:
            shape = (self.ensemble_size, outputs)
            self.ensemble_bias = self._vectors("ensemble_bias", shape)

    def _vectors(self, name, shape):
        """Returns the weight of the members' factors or biases."""
        parts = {
            part: getattr(self, f"{name}_{part}", None)
            for part in ("initializer", "regularizer", "constraint")
        }
        return self.add_weight(name=name, shape=shape, **parts)

    def call(self, inputs):
        pairs = (self._pairs, self.ensemble_size, -1)
        alphas = ops.reshape(self.alpha, pairs)
        gammas = ops.reshape(self.gamma, pairs)
        outputs = 0.0
        for pair in range(self._pairs):
            scaled = super().call(inputs * self._by_row(alphas[pair], inputs))
            outputs += scaled * self._by_row(gammas[pair], scaled)
        if self.ensemble_bias is not None:
            outputs += self._by_row(self.ensemble_bias, outputs)
        return self.ensemble_activation(outputs)

    def _by_row(self, vectors, x):
        """Returns (M, C) as (M·B, 1, …, C), to multiply (M·B, …, C)."""
        count = ops.shape(x)[0] // self.ensemble_size
        return self._spread(ops.repeat(vectors, count, axis=0), x)

    def _spread(self, rows, x):
        """Returns (M·B, C) as (M·B, 1, …, C)."""
        shape = [1] * len(x.shape)
        shape[0], shape[self._channel_axis()] = -1, rows.shape[-1]
        return ops.reshape(rows, shape)

    def _channel_axis(self):
        first = getattr(self, "data_format", None) == "channels_first"
        return 1 if first else -1

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "ensemble_size": self.ensemble_size,
            "ensemble_activation": serialize(self.ensemble_activation),
            "use_ensemble_bias": self.use_ensemble_bias,
            **{
                name: serialize(getattr(self, name))
                for name in (
                    "alpha_initializer",
                    "gamma_initializer",
                    "ensemble_bias_initializer",
                    "ensemble_bias_regularizer",
                    "ensemble_bias_constraint",
                )
            },
        }
