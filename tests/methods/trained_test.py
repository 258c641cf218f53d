"""Trained networks are read as a trunk and a head."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.methods import trained
from tests.methods import networks, small


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_trunk_and_head_are_the_network(name):
    network = networks.create(name)
    parts = trained.read(network)
    kernel, bias = parts.head_weights(4)
    logits = parts.trunk(networks.IMAGES) @ kernel + bias
    found = networks.members(network, logits)
    small.assert_close(found, network(networks.IMAGES))
    assert parts.activation == ("linear" if name == "resnet" else "softmax")
    assert parts.head_weights(5) is None


def test_cuts_are_the_layers_through_which_all_passes():
    parts = trained.read(networks.create("resnet"))
    named = [name for name in parts.cuts() if "_" not in name]
    assert named == ["first", "add1", "block1", "add2", "block2"]
    assert parts.resolutions() == ["block1"]
    parts = trained.read(networks.create("vit"))
    assert "attend0" not in parts.cuts()
    assert {"patches", "tokens", "block0", "block1"} <= {*parts.cuts()}
    assert parts.resolutions() == []
    with pytest.raises(InputError, match="block0.*Received: 'attend0'"):
        parts.backbone(["attend0"])


def sequential(*layers):
    return keras.Sequential([keras.Input((6,)), *layers])


def test_a_sigmoid_is_a_softmax_over_two():
    network = sequential(
        keras.layers.Dense(3), keras.layers.Dense(1, activation="sigmoid")
    )
    x = np.random.default_rng(0).random((4, 6), "float32")
    parts = trained.read(network)
    kernel, bias = parts.head_weights(2)
    found = keras.ops.softmax(parts.trunk(x) @ kernel + bias)
    small.assert_close(found[:, 1:], network(x))
    assert parts.head_weights(1)[0].shape == (3, 1)


def test_a_network_without_head_ends_with_its_features():
    inputs = keras.Input((None, None, 3))
    maps = keras.layers.Conv2D(5, 3, activation="relu")(inputs)
    parts = trained.read(keras.Model(inputs, maps))
    assert parts.head is None
    assert parts.trunk.output.shape == (None, 5)
    network = sequential(keras.layers.Dense(3, activation="relu"))
    assert trained.read(network).head is None


def test_models_within_are_unfolded_and_names_made_unique():
    block = keras.Sequential(
        [keras.layers.Dense(6, name="heads"), keras.layers.Dropout(0.5)],
        name="block",
    )
    inputs = keras.Input((6,), name="stem")
    x = block(keras.layers.Dense(6, name="heads_own", trainable=False)(inputs))
    network = keras.Model(inputs, keras.layers.Dense(2)(block(x)))
    parts = trained.read(network)
    names = [layer.name for layer in parts.trunk.layers if layer.weights]
    assert names == ["heads_own", "block_heads_own"]
    assert not parts.trunk.get_layer("heads_own").trainable
    x = np.ones((1, 6), "float32")
    kernel, bias = parts.head_weights(2)
    small.assert_close(parts.trunk(x) @ kernel + bias, network(x))


class Subclassed(keras.Model):
    def call(self, x):
        return x


def two_outputs():
    inputs = keras.Input((6,))
    dense = keras.layers.Dense(3)(inputs)
    return keras.Model(inputs, [dense, dense], name="two")


def conv_head():
    inputs = keras.Input(small.IMAGES)
    x = keras.layers.Conv2D(4, 8, name="conv")(inputs)
    x = keras.layers.Flatten(name="flat")(x)
    return keras.Model(inputs, keras.layers.Softmax()(x))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (Subclassed, "type Subclassed.*keras.Model.inputs, network"),
        (keras.Sequential, "type Sequential.*keras.Input"),
        (lambda: "network.keras", "of type str"),
        (two_outputs, "one output.*network=two, with 2"),
        (conv_head, "softmax after layer flat of type Flatten.*get_layer"),
        (
            lambda: sequential(keras.layers.Dense(4)),
            "layers before its head.*create_model",
        ),
        (
            lambda: sequential(
                keras.layers.Lambda(lambda x: 2 * x, name="twice"),
                keras.layers.Dense(4),
            ),
            "layer twice of type Lambda.*keras.ops",
        ),
    ],
)
def test_other_networks_are_refused_in_one_line(make, match):
    with pytest.raises(InputError, match=match):
        trained.read(make())
