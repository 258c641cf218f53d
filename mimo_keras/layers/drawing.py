"""Base class of layers that draw random numbers."""

import random

import keras


class DrawingLayer(keras.layers.Layer):
    """Base of layers that own a seed generator.

    Args:
        seed: Integer, None for a random seed, or a keras.random.SeedGenerator.
            The generator's state advances with each draw.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        # Drawn here, so that a copy from the config draws the same numbers.
        self.seed = random.randrange(2**31) if seed is None else seed
        given = isinstance(seed, keras.random.SeedGenerator)
        self.seed_generator = (
            seed if given else keras.random.SeedGenerator(self.seed)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "seed": keras.saving.serialize_keras_object(self.seed),
        }

    @classmethod
    def from_config(cls, config):
        seed = keras.saving.deserialize_keras_object(config.get("seed"))
        return cls(**{**config, "seed": seed})
