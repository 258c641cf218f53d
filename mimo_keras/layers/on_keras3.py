"""What classes written for Keras 2 need on Keras 3, to be mixed in before."""

import functools

import keras

_PARTS = ("_initializer", "_regularizer", "_constraint")


class OnKeras3:
    """Makes, saves and reads back a layer's weights as Keras 3 does."""

    @classmethod
    def from_config(cls, config):
        # Of a configuration that is Keras's own, edward2 would take no more
        # than the class's name: N(1, 0.5) would come back as N(0, 0.05).
        parts = {
            name: keras.saving.deserialize_keras_object(value)
            for name, value in config.items()
            if name.endswith(_PARTS)
            and isinstance(value, dict)
            and "registered_name" in value
        }
        return super().from_config({**config, **parts})

    def add_weight(self, name=None, **options):
        # By keyword, and without what Keras 3 decides by itself.
        options.pop("synchronization", None)
        aggregation = options.pop("aggregation", "none")
        aggregation = getattr(aggregation, "name", aggregation).lower()
        return super().add_weight(name=name, aggregation=aggregation, **options)

    # Those of Dense and Conv2D know of no weights but kernel and bias.
    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


class OnKeras3Ensemble(OnKeras3):
    """The same for a layer with fast weights, and what it is made of."""

    # Arguments that edward2's get_config leaves out.
    unreported = ()

    @property
    def undecayed_weights(self):
        """The fast weights, which no L2 term counts."""
        return [
            weight
            for weight in (self.alpha, self.gamma)
            if isinstance(weight, keras.Variable)
        ]

    def get_config(self):
        config = super().get_config()
        config["activation"] = config.pop("ensemble_activation")
        config["use_bias"] = config.pop("use_ensemble_bias")
        for part in ("initializer", "regularizer", "constraint"):
            config[f"bias_{part}"] = config.pop(f"ensemble_bias_{part}")
        return config | {name: getattr(self, name) for name in self.unreported}


class OnKeras3Posterior(OnKeras3):
    """The same for an initialiser that gives a random variable.

    Attributes:
        draw: None, or a function that draws in place of the distribution: it
            takes the distribution's `sample` and the number of draws.
    """

    draw = None

    @property
    def undecayed_weights(self):
        """All of them: parameters of a distribution are not decayed."""
        return self.trainable_weights

    def add_weight(self, name=None, **options):
        # Distributions stay in float32 where the network computes in less.
        return super().add_weight(name=name, autocast=False, **options)

    def get_build_config(self):
        # Its layer builds it; built when read back, it would be in the way.
        return None

    def __call__(self, shape, dtype=None):
        variable = super().__call__(shape, dtype)
        if self.draw is not None:
            distribution = variable.distribution
            distribution.sample = functools.partial(
                self.draw, distribution.sample
            )
        return variable


class OnKeras3Sign:
    """The random signs' configuration, less a dtype that is never read back."""

    def get_config(self):
        return {"probs": self.probs, "seed": self.seed}
