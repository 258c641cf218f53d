"""Base class of layers that draw random numbers, and their draws."""

import random

import keras
from keras import ops

from mimo_keras.layers import arguments, draws

# A proposal is accepted with a probability of at least 0.95: all of them are
# rejected in one of 10^10 draws.
_PROPOSALS = 8


def log_gamma(shape, concentration, seed):
    """Draws log x, x from Gamma(α, 1), by operations that XLA can compile.

    The logarithm, since for a small α most x are below the smallest float.

    Keras's own draw on TensorFlow has no XLA kernel, so a TPU cannot run it.

    Args:
        shape: Shape of the result; may contain scalar tensors.
        concentration: α, above 0.
        seed: keras.random.SeedGenerator.

    Returns:
        float32 tensor of the given shape.

    Reference:
        Marsaglia and Tsang, A simple method for generating gamma variables,
        ACM Transactions on Mathematical Software 2000, sections 2 and 6.
    """
    # Below 1, α + 1 is drawn and multiplied by U^(1/α).
    d = concentration + (concentration < 1) - 1 / 3
    normal = draws.normal((*shape, _PROPOSALS), seed)
    uniform = draws.uniform((*shape, _PROPOSALS + 1), seed)
    v = ops.power(1.0 + normal / (9.0 * d) ** 0.5, 3)
    log_v = ops.log(ops.maximum(v, 1e-30))
    bound = 0.5 * ops.square(normal) + d * (1.0 - v + log_v)
    accepted = ops.logical_and(v > 0, ops.log(uniform[..., 1:]) < bound)
    # The first accepted proposal; the first of all if there is none.
    chosen = ops.argmax(ops.cast(accepted, "int32"), axis=-1)
    chosen = ops.one_hot(chosen, _PROPOSALS, dtype="float32")
    drawn = ops.log(d * ops.sum(chosen * ops.maximum(v, 1e-30), axis=-1))
    if concentration < 1:
        least = ops.maximum(uniform[..., 0], 1e-37)
        drawn = drawn + ops.log(least) / concentration
    return drawn


class DrawingLayer(keras.layers.Layer):
    """Base of layers that own a seed generator.

    Args:
        seed: Integer, None for a random seed, or a keras.random.SeedGenerator.
            The generator's state advances with each draw.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        seed = arguments.seed(seed)
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
