"""Small models and images for the tests of the baselines."""

import keras
import numpy as np
import pytest

import mimo_keras

SHAPE = (8, 8, 1)
CLASSES = 4
# JAX compiles the deep one for 10 seconds a test; what these tests compare does
# not depend on the backend, which meets that network in other tests.
BACKBONES = [
    "small_cnn",
    pytest.param(
        "wide_resnet_10_1", marks=[pytest.mark.tensorflow, pytest.mark.large]
    ),
]


def create(method, backbone="small_cnn", num_classes=CLASSES, **options):
    """A model of the method for `examples`."""
    return mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=SHAPE,
        num_classes=num_classes,
        **options,
    )


def examples(rows=8, seed=0):
    """Random images and labels."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(rows, *SHAPE)).astype("float32")
    return images, rng.integers(0, CLASSES, rows)


def compiled(model, l2=1e-3):
    """The model, compiled as in the recipes.

    Eagerly: a few steps of a tiny network take less time than tracing.
    """
    optimizer = keras.optimizers.SGD(0.05, 0.9, nesterov=True)
    model.compile(optimizer, l2=l2, run_eagerly=True)
    return model


def trained(model, steps=2):
    """The model after steps on all examples."""
    compiled(model)
    for _ in range(steps):
        model.train_on_batch(*examples())
    return model


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def logits(model, images):
    """The member logits as NumPy, (B, E, K)."""
    return array(model(images))


def assert_same_weights(first, second, **tolerance):
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, **tolerance)
