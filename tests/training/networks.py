"""Small networks and images for the tests of training."""

import keras
import numpy as np

import mimo_keras
from mimo_keras import data

IMAGE = (2, 3, 2)
CLASSES = 3
# A value other than the default for every option.
OPTIONS = {
    "members": 3,
    "batch_repetitions": 2,
    "input_repetition_probability": 0.5,
    "mean": [0.5, 0.25],
    "std": 2.0,
}


def flatten(x):
    """A backbone without weights: the network is linear."""
    return keras.layers.Flatten()(x)


def noisy(x):
    """A backbone that draws random numbers in training."""
    return keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))


def examples(count, seed=0):
    """Random bytes with random labels."""
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (count, *IMAGE), dtype=np.uint8)
    labels = draw.integers(0, CLASSES, count)
    return data.Examples("random", images, labels, CLASSES).checked()


def create(method="mimo", members=2, **options):
    """A model for `examples`, with the same first weights at every call."""
    keras.utils.set_random_seed(5)
    defaults = {
        "backbone": flatten,
        "input_shape": IMAGE,
        "num_classes": CLASSES,
        "ensemble_size": members,
        "seed": 11,
    }
    return mimo_keras.create_model(method, **(defaults | options))


def plain():
    """A model of Keras alone for `examples`."""
    layers = [keras.Input(IMAGE), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(3, "softmax")])


def rows_of(model, images):
    """The rows that the model's next training step would draw, (N, E)."""
    return np.array(model(images, training=True)["rows"])


def assert_same_weights(first, second, **tolerance):
    """Compares all weights; exactly if no tolerance is given."""
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    for one, other in pairs:
        if tolerance:
            np.testing.assert_allclose(one, other, **tolerance)
        else:
            np.testing.assert_array_equal(one, other)
