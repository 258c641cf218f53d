"""Keras's private names of layers still mean what is relied on."""

import keras
import numpy as np
import pytest

from mimo_keras import keras_internals as internals
from mimo_keras.errors import InputError


class _Scaled(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.within = keras.layers.Dense(1, name="within")

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), name="scale")
        self.count = self.add_weight(shape=(), trainable=False, name="count")
        self.within.build(input_shape)

    def call(self, x):
        return self.within(self.scale * x)


class _Refusing(keras.layers.Layer):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def call(self, x):
        raise self.error


def test_layers_within_are_all_and_not_the_model(network):
    found = internals.layers_within(network)
    named = [
        x.name for x in found if not isinstance(x, keras.layers.InputLayer)
    ]
    assert sorted(named) == ["add", "deep", "inner", "twice"]


def test_layers_within_reach_what_a_layer_holds():
    [within] = internals.layers_within(_Scaled())
    assert within.name == "within"


@pytest.mark.parametrize("trainable", [True, False])
def test_own_variables_are_no_other_layer_s(trainable):
    layer = _Scaled(trainable=trainable)
    layer.build((None, 2))
    [own] = internals.own_trainable_variables(layer)
    assert own is layer.scale
    assert own.trainable == trainable


@pytest.mark.parametrize(
    ("error", "kept"), [(InputError("No."), True), (ValueError("No."), False)]
)
def test_keras_leaves_the_message_of_a_one_line_error(error, kept):
    with pytest.raises(type(error)) as caught:
        _Refusing(error)(np.zeros((2, 3), "float32"))
    assert (str(caught.value) == "No.") is kept


def test_a_part_that_was_replaced_is_forgotten():
    layer = keras.layers.TimeDistributed(keras.layers.Dense(2))
    other = keras.layers.Dense(3)
    internals.forget_layer(layer, layer.layer)
    layer.layer = other
    assert internals.layers_within(layer) == [other]
