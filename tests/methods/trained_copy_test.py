"""Copies of networks whose layers were changed after they were made."""

import keras
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small


def network(shape=(6,), first=None):
    inputs = keras.Input(shape)
    x = (first or keras.layers.Dense(5, activation="relu", name="mid"))(inputs)
    x = x if len(x.shape) == 2 else keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, keras.layers.Dense(4, name="top")(x))
    small.scatter(model)
    return model


def vectors(*shape):
    return keras.random.normal(shape, seed=0)


@pytest.mark.parametrize("name", ["mid", "top"])
def test_what_lora_adds_is_part_of_the_kernel(name):
    model = network()
    model.get_layer(name).enable_lora(2)
    small.scatter(model)
    start = mimo_keras.from_network(
        model, "mixture_ensemble", ensemble_size=2, num_classes=4
    )
    wanted = keras.ops.repeat(model(vectors(3, 6))[:, None], 2, axis=1)
    small.assert_close(start(vectors(3, 6)), wanted, atol=1e-5)


def test_what_cannot_be_copied_is_named():
    attention = keras.layers.MultiHeadAttention(2, 4, name="attend")
    model = network((5, 6), lambda x: attention(x, x))
    attention.query_dense.enable_lora(2)
    with pytest.raises(InputError, match="layer attend of .*been changed"):
        mimo_keras.from_network(model, "deterministic", num_classes=4)
    model = network()
    model.get_layer("mid").quantize("int8")
    with pytest.raises(InputError, match="layer mid quantized to int8"):
        mimo_keras.from_network(model, "deterministic", num_classes=4)


def test_names_are_made_unique_until_they_are():
    inputs = keras.Input((6,))
    x = inputs
    for name in ("stem_own", "stem_own_own", "stem"):
        x = keras.layers.Dense(5, name=name)(x)
    model = keras.Model(inputs, keras.layers.Dense(4)(x))
    trunk = mimo_keras.methods.trained.read(model).trunk
    names = [layer.name for layer in trunk.layers[1:]]
    assert names == ["stem_own", "stem_own_own", "stem_own_own_own"]
    wanted = keras.Model(inputs, x)(vectors(3, 6))
    small.assert_close(trunk(vectors(3, 6)), wanted)


def test_masks_pass_kernels_composed_for_members():
    dense = keras.layers.Dense(5, name="mid")
    model = network((5, 6), lambda x: dense(keras.layers.Masking(0.5)(x)))
    start = mimo_keras.from_network(
        model, "mixture_ensemble", ensemble_size=2, num_classes=4
    )
    rows = small.numpy(vectors(3, 5, 6)).copy()
    rows[:, 2:] = 0.5
    wanted = keras.ops.repeat(model(rows)[:, None], 2, axis=1)
    small.assert_close(start(rows), wanted, atol=1e-5)
