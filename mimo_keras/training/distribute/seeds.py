"""Random draws that differ between replicas and are kept in checkpoints."""

import contextlib
import hashlib
import random

import keras
import numpy as np
from keras import ops

from mimo_keras.layers.registration import serializable
from mimo_keras.training.distribute.distribution import replica_index

# A large odd number: the replicas' streams share no seeds in practice.
_STRIDE = 1_000_003


@serializable
class ReplicaSeed(keras.random.SeedGenerator):
    """A seed generator whose draws differ from replica to replica.

    Keras's own generator draws the same numbers on every replica. The state is
    one of the model's variables, and therefore part of our checkpoints.
    """

    def next(self, ordered=True):
        drawn = super().next(ordered)
        offset = ops.stack([replica_index() * _STRIDE, 0])
        return drawn + ops.cast(offset, drawn.dtype)


def seed_generators(seed):
    """Returns a function that returns a new `ReplicaSeed` at each call.

    Args:
        seed: Integer from which their seeds are drawn; None for Python's own
            random state, which keras.utils.set_random_seed sets.
    """
    numbers = random if seed is None else random.Random(seed)
    return lambda: ReplicaSeed(numbers.getrandbits(31))


def states(model):
    """Returns the states of a model's seed generators, a list of variables.

    Args:
        model: keras.Model.
    """
    weights = {id(weight) for weight in model.weights}
    return [v for v in model.variables if id(v) not in weights]


def beginning(model):
    """Returns a function that makes a model's draws begin anew.

    It takes a text, such as a data set's name. What the model draws after that
    depends on the text and on the model's seeds, and on nothing drawn before.

    Args:
        model: keras.Model.
    """
    own = states(model)
    # A draw advances only the second number.
    seeds = [int(ops.convert_to_numpy(state)[0]) for state in own]

    def begin(text):
        number = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
        for state, seed in zip(own, seeds, strict=True):
            state.assign([(seed ^ number) % 2**31, 0])

    return begin


@contextlib.contextmanager
def repeatable(model, text="evaluation"):
    """Makes a model draw the same in each such block; see `beginning`.

    What it draws afterwards does not depend on the block.
    """
    own = states(model)
    # Copies: JAX donates the memory of variables that a step updates.
    before = [np.array(ops.convert_to_numpy(state)) for state in own]
    beginning(model)(text)
    try:
        yield
    finally:
        for state, value in zip(own, before, strict=True):
            state.assign(value)
