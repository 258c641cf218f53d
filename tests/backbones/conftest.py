"""Backbones as networks, with random numbers in all weights."""

import keras
import numpy as np
import pytest

from mimo_keras import backbones


@pytest.fixture
def build():
    """Function that builds a backbone up to its features and endpoints.

    Its arguments: those of `backbones.get`, the input's shape, and the `Kit`.
    It returns a keras.Model with the outputs "features", "stem",
    "stage_0", …, whose weights are scattered, all variances above 0.
    """

    def built(backbone, shape, kit=None):
        inputs = keras.Input(shape)
        features, endpoints = backbones.get(backbone).features(
            inputs, kit or backbones.Kit()
        )
        model = keras.Model(inputs, {"features": features, **endpoints})
        rng = np.random.default_rng(0)
        model.set_weights(
            [
                w + rng.uniform(-0.3, 0.3, w.shape) * (np.std(w) or 1)
                for w in model.get_weights()
            ]
        )
        return model

    return built


@pytest.fixture
def images():
    """Function from a shape to random images in [0, 1]."""

    def drawn(*shape):
        return np.random.default_rng(1).random(shape).astype("float32")

    return drawn
