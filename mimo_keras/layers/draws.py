"""Random numbers that are the same with and without XLA.

TensorFlow and XLA draw the same random bits from a seed, but make different
floats of them. Here they are made of integers, so that a seed's draws do not
depend on `jit_compile`. Without XLA, those on TensorFlow equal the draws of
`keras.random`; normal ones within rounding.
"""

import math

import keras
from keras import ops

# TensorFlow's floats have as many random bits.
_BITS = 23


def uniform(shape, seed):
    """Draws numbers uniform in [0, 1), multiples of 2^-23, in float32.

    Args:
        shape: Shape of the result; may contain scalar tensors.
        seed: keras.random.SeedGenerator, or an integer for one fixed draw.
    """
    bits = keras.random.randint(shape, 0, 2**_BITS, dtype="int32", seed=seed)
    return ops.cast(bits, "float32") * 2.0**-_BITS


def normal(shape, seed):
    """Draws standard normal numbers, by Box and Muller; see `uniform`."""
    size = math.prod(shape)
    pairs = uniform(((size + 1) // 2, 2), seed)
    # The logarithm of 0 is infinite.
    radius = ops.sqrt(-2.0 * ops.log(ops.maximum(pairs[:, :1], 1e-7)))
    angle = 2.0 * math.pi * pairs[:, 1:]
    both = radius * ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=1)
    return ops.reshape(ops.reshape(both, (-1,))[:size], shape)
