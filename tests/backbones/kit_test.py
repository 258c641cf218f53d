"""Every layer of a backbone is built from the kit's parts."""

import functools

import keras
import numpy as np
import pytest

from mimo_keras import backbones
from mimo_keras.backbones import Backbone, Kit
from mimo_keras.backbones.kit import conv2d

SHAPES = {"wide_resnet_10_1": (8, 8, 3), "small_cnn": (8, 8, 3), "mlp": (5,)}


def test_convolutions_are_same_without_bias_and_he_normal():
    layer = conv2d(4, 3)
    assert (layer.padding, layer.use_bias) == ("same", False)
    assert isinstance(layer.kernel_initializer, keras.initializers.HeNormal)
    layer = conv2d(4, 3, strides=2, use_bias=True, name="mine")
    assert (layer.strides, layer.use_bias) == ((2, 2), True)
    assert layer.name == "mine"


def test_he_normal_has_variance_2_over_fan_in():
    layer = conv2d(64, 3)
    layer.build((None, 8, 8, 64))
    [kernel] = layer.get_weights()
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.02)


def test_norm_and_dense_are_the_papers():
    norm, dense = Kit().norm(name="n"), Kit().dense(3, name="d")
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)
    assert isinstance(dense.kernel_initializer, keras.initializers.HeNormal)


def test_prefixes_add_up():
    kit = Kit(prefix="a_").named("b_").named("c_")
    assert kit.name("conv") == "a_b_c_conv"
    assert Kit().name("conv") == "conv"


@pytest.mark.parametrize("backbone", SHAPES)
def test_parts_of_a_method_replace_every_layer_of_their_sort(build, backbone):
    made = []

    def noted(part, **changes):
        def make(*args, **options):
            made.append(part(*args, **options, **changes))
            return made[-1]

        return make

    kit = Kit(
        conv=noted(conv2d, dilation_rate=1),
        norm=noted(functools.partial(keras.layers.GroupNormalization, 1)),
        dense=noted(keras.layers.Dense),
    )
    network = build(backbone, SHAPES[backbone], kit)
    weighty = [layer for layer in network.layers if layer.weights]
    assert {id(layer) for layer in made} == {id(layer) for layer in weighty}


@pytest.mark.parametrize("backbone", SHAPES)
def test_a_prefix_lets_a_stage_stand_twice_in_one_network(backbone):
    inputs = keras.Input(SHAPES[backbone])
    parts, kit = backbones.get(backbone), Kit()
    first, _ = parts.features(inputs, kit.named("first_"))
    second, _ = parts.features(inputs, kit.named("second_"))
    network = keras.Model(inputs, [first, second])
    names = [layer.name for layer in network.layers[1:]]
    assert len(set(names)) == len(names)
    twin = {name.replace("second_", "first_") for name in names}
    assert twin == {name for name in names if name.startswith("first_")}


def test_pieces_follow_one_another_and_name_their_ends():
    def times(factor):
        return lambda x, kit: x * factor

    backbone = Backbone(times(2), (times(3), times(5)), times(7))
    inputs = keras.Input((1,))
    features, endpoints = backbone.features(inputs, Kit())
    network = keras.Model(inputs, {"features": features, **endpoints})
    outputs = network(np.ones((1, 1), "float32"))
    assert list(endpoints) == ["stem", "stage_0", "stage_1"]
    assert {name: float(value[0, 0]) for name, value in outputs.items()} == {
        "stem": 2,
        "stage_0": 6,
        "stage_1": 30,
        "features": 210,
    }
