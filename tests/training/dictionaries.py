"""A small network of three named inputs, and examples for it."""

import functools

import keras
import numpy as np

import mimo_keras

SHAPES = {"image": (6, 6, 1), "age": (1,), "tokens": (4,)}
ROWS = 12


@functools.cache
def examples():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (ROWS, 6, 6, 1)).astype("uint8")
    inputs = {
        "image": images,
        # A column of a table.
        "age": rng.normal(size=ROWS),
        "tokens": rng.integers(0, 300, (ROWS, 4)),
    }
    return inputs, rng.integers(0, 3, ROWS)


def some(rows):
    return {name: values[rows] for name, values in examples()[0].items()}


def features(inputs):
    """Reads a map, a vector and embeddings with one dense layer."""
    x = keras.layers.Rescaling(1 / 255)(inputs["image"])
    maps = keras.layers.Conv2D(3, 3, activation="relu")(x)
    # The members' channels themselves, too, behind Flatten.
    flat = keras.layers.Flatten()(keras.layers.MaxPooling2D(3)(x))
    words = keras.layers.Flatten()(
        keras.layers.Embedding(300, 2)(inputs["tokens"])
    )
    pooled = keras.layers.GlobalAveragePooling2D()(maps)
    x = keras.layers.Concatenate()([pooled, inputs["age"], flat, words])
    return keras.layers.Dense(6, "tanh")(x)


def network():
    """The same as a functional model, whose ids are integers."""
    inputs = {
        name: keras.Input(
            shape, name=name, dtype="int32" if name == "tokens" else None
        )
        for name, shape in SHAPES.items()
    }
    return keras.Model(inputs, features(inputs))


def create(method, members=2, backbone=features, **options):
    keras.utils.set_random_seed(0)
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=SHAPES,
        num_classes=3,
        ensemble_size=members,
        input_scale=None,
        seed=0,
        **options,
    )
