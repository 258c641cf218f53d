"""Random numbers from operations that every runtime has.

LiteRT and ONNX runtimes have no random operations, so a layer that draws cannot
be exported to them as it is. Here the i-th number is a function of i and a key:
a Feistel network (Luby and Rackoff, SIAM Journal on Computing 1988), which is
a permutation of the 32-bit numbers, as in the counter-based generators of
Salmon et al. (Parallel random numbers: as easy as 1, 2, 3, SC 2011). It only
adds, multiplies and divides int32 numbers, and none overflows.
"""

import contextlib
import contextvars

import keras
import numpy as np
from keras import ops

from mimo_keras import keras_internals

_HALF = 2**16
_ROUNDS = 8
_KEYS = contextvars.ContextVar("keys of plain draws", default=None)


@contextlib.contextmanager
def plain_draws(model):
    """Makes layers that are traced inside draw by plain operations.

    Each draw has its own key, which follows from the state of the layer's seed
    generator: what is traced draws the same numbers each time it runs, which
    differ between rows.

    Args:
        model: The keras.Model, whose seed generators keep their state.
    """
    keys = {}
    for layer in keras_internals.layers_within(model):
        for name in ("seed_generator", "seed"):
            generator = getattr(layer, name, None)
            if isinstance(generator, keras.random.SeedGenerator):
                state = ops.convert_to_numpy(generator.state).tolist()
                sequence = np.random.SeedSequence([*state, len(keys)])
                keys.setdefault(id(generator), sequence)
    token = _KEYS.set(keys)
    try:
        yield
    finally:
        _KEYS.reset(token)


def next_key(generator):
    """Returns the key of a generator's next plain draw.

    Args:
        generator: keras.random.SeedGenerator.

    Returns:
        A key for `uniform` and `normal`; None outside of `plain_draws`, where
        the generator itself is to be used.
    """
    sequence = (_KEYS.get() or {}).get(id(generator))
    return None if sequence is None else sequence.spawn(1)[0]


def uniform(rows, shape, key):
    """Returns numbers uniform in [0, 1), multiples of 2^-24, in float32.

    Args:
        rows: Index of each row, (B,), int32.
        shape: Shape of one row; B times its size must be below 2^31.
        key: Of `next_key`.
    """
    counter = ops.reshape(rows, (-1, *[1] * len(shape)))
    for axis, size in enumerate(shape):
        place = [1] * len(shape)
        place[axis] = size
        counter = counter * size + ops.reshape(
            ops.arange(size, dtype="int32"), (1, *place)
        )
    left, right = counter // _HALF, counter % _HALF
    for part in key.generate_state(_ROUNDS):
        mixed = (right + int(part) % _HALF) % _HALF
        centered = mixed - _HALF // 2
        # Both products are at most 2^30.
        mixed = (centered * centered + mixed * 16381) // 256
        left, right = right, (left + mixed) % _HALF
    bits = left * 256 + right // 256
    return ops.cast(bits, "float32") * 2.0**-24


def normal(rows, shape, key):
    """Returns standard normal numbers, by Box and Muller; see `uniform`."""
    radius, angle = (uniform(rows, shape, k) for k in key.spawn(2))
    radius = ops.sqrt(-2.0 * ops.log(1.0 - radius))
    return radius * ops.cos(2.0 * np.pi * angle)


def rows_of(inputs):
    """Returns the index of each row of (B, …), (B,) in int32."""
    first = inputs[(slice(None), *[0] * (len(inputs.shape) - 1))]
    # Not by a range over the batch size: LiteRT plans its memory before the
    # size of a range is known.
    return ops.cumsum(ops.ones_like(first, dtype="int32"), axis=0) - 1
