"""Mixins that make classes written for Keras 2 work on Keras 3."""

import functools

import keras

_PARTS = ("_initializer", "_regularizer", "_constraint")


class OnKeras3:
    """Creates, saves and loads a layer's weights as Keras 3 does."""

    @classmethod
    def from_config(cls, config):
        # From Keras's own configs, edward2 would read only the class's name:
        # N(1, 0.5) would come back as N(0, 0.05).
        parts = {
            name: keras.saving.deserialize_keras_object(value)
            for name, value in config.items()
            if name.endswith(_PARTS)
            and isinstance(value, dict)
            and "registered_name" in value
        }
        return super().from_config({**config, **parts})

    def add_weight(self, name=None, **options):
        # By keyword, and without what Keras 3 decides itself.
        options.pop("synchronization", None)
        aggregation = options.pop("aggregation", "none")
        aggregation = getattr(aggregation, "name", aggregation).lower()
        return super().add_weight(name=name, aggregation=aggregation, **options)

    # Those of Dense and Conv2D handle only kernel and bias.
    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


class OnKeras3Ensemble(OnKeras3):
    """The same for a layer with fast weights, plus its full config."""

    # Arguments that edward2's get_config leaves out.
    unreported = ()

    @property
    def undecayed_weights(self):
        """The fast weights, which are excluded from L2."""
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
    """The same for an initializer that returns a random variable.

    Attributes:
        draw: None, or a function that samples in place of the distribution: it
            takes the distribution, its `sample` and the number of samples.
    """

    draw = None

    @property
    def undecayed_weights(self):
        """All weights: parameters of a distribution are not decayed."""
        return self.trainable_weights

    def add_weight(self, name=None, **options):
        return super().add_weight(name=name, autocast=False, **options)

    def get_build_config(self):
        # Its layer builds it; building it on load would get in the way.
        return None

    def __call__(self, shape, dtype=None):
        # Distributions are float32 under every policy: so are edward2's priors.
        variable = super().__call__(shape, "float32")
        if self.draw is not None:
            distribution = variable.distribution
            distribution.sample = functools.partial(
                self.draw, distribution, distribution.sample
            )
        return variable


class OnKeras3Sign:
    """The random signs' config, without a dtype that is never read back."""

    def get_config(self):
        return {"probs": self.probs, "seed": self.seed}
