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
        get = keras.initializers.get
        self.alpha_initializer = get(alpha_initializer)
        self.gamma_initializer = get(gamma_initializer)
        self.ensemble_activation = keras.activations.get(activation)
        self.use_ensemble_bias = use_bias
        self.ensemble_bias_initializer = get(bias_initializer)
        self.ensemble_bias_regularizer = keras.regularizers.get(
            bias_regularizer
        )
        self.ensemble_bias_constraint = keras.constraints.get(bias_constraint)

    def build(self, input_shape):
        super().build(input_shape)
        axis = self._channel_axis()
        outputs = self.compute_output_shape(input_shape)[axis]
        members = (self.ensemble_size,)
        if self._pairs > 1:
            members = (self._pairs, *members)
        self.alpha = self.add_weight(
            name="alpha",
            shape=(*members, input_shape[axis]),
            initializer=self.alpha_initializer,
        )
        self.gamma = self.add_weight(
            name="gamma",
            shape=(*members, outputs),
            initializer=self.gamma_initializer,
        )
        self.ensemble_bias = None
        if self.use_ensemble_bias:
            self.ensemble_bias = self.add_weight(
                name="ensemble_bias",
                shape=(self.ensemble_size, outputs),
                initializer=self.ensemble_bias_initializer,
                regularizer=self.ensemble_bias_regularizer,
                constraint=self.ensemble_bias_constraint,
            )

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
        rows = ops.repeat(
            vectors, ops.shape(x)[0] // self.ensemble_size, axis=0
        )
        shape = [1] * len(x.shape)
        shape[0], shape[self._channel_axis()] = -1, vectors.shape[-1]
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
