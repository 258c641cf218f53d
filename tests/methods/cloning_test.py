"""Copies of networks with some layers replaced."""

import keras
import numpy as np

from mimo_keras import layers
from mimo_keras.layers.protocols import Twin
from mimo_keras.methods.cloning import clone
from tests.methods import small


def network():
    inputs = keras.Input((6,))
    bank = layers.TemplateBank(50, name="bank")(inputs)
    x = layers.FoldMembers(2)(inputs)
    x = layers.TemplateDense(4, ensemble_size=2, templates=2, name="one")(
        x, bank
    )
    x = keras.ops.relu(x)
    x = keras.layers.Dense(3, name="two")(x)
    return keras.Model(inputs, layers.UnfoldMembers(2)(x))


def test_a_copy_has_weights_of_its_own():
    model = network()
    small.scatter(model)
    images = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    copy = clone(model, (6,))
    small.assert_close(copy(images), model(images), atol=1e-6)
    names = [layer.name for layer in copy.layers if layer.weights]
    assert names == ["bank", "one", "two"]
    before = small.numpy(copy(images))
    small.scatter(model)
    small.assert_close(copy(images), before, atol=0)


def test_a_layer_becomes_what_is_asked_for():
    model = network()

    def become(layer):
        if layer.name != "two":
            return None
        weights = [np.zeros((4, 3)), np.array([1.0, 2, 3])]
        return Twin(keras.layers.Dense(3, name="other"), weights)

    copy = clone(model, (6,), become)
    found = small.numpy(copy(np.ones((2, 6), "float32")))
    np.testing.assert_allclose(found, np.broadcast_to([1, 2, 3], (2, 2, 3)))
    assert copy.get_layer("other").weights
