"""A model to export, and its own predictions."""

import functools

import keras
import numpy as np

from tests.training import networks

SIZES = (1, 3, 17)
IMAGES = networks.examples(max(SIZES)).images
FLOATS = (IMAGES / 255).astype("float32")


def convolution(x):
    """A backbone of one convolution of five filters."""
    return keras.layers.Conv2D(5, 2, padding="same", activation="relu")(x)


@functools.cache
def model():
    """MIMO with three members, with weights unlike the initial ones."""
    model = networks.create(
        members=3, backbone=convolution, mean=[0.4, 0.5], std=0.25
    )
    draw = np.random.default_rng(0)
    model.set_weights(
        [w + draw.normal(0, 0.3, w.shape) for w in model.get_weights()]
    )
    return model


@functools.cache
def _wanted():
    """The model's own predictions, without folding."""
    predictor = model().predictor(fold=False)
    return {k: np.array(v) for k, v in predictor(IMAGES).items()}


def assert_predictions(found, size):
    """Expects the model's predictions for the first `size` images."""
    assert found.keys() == _wanted().keys()
    for name, value in _wanted().items():
        np.testing.assert_allclose(found[name], value[:size], atol=1e-5)
