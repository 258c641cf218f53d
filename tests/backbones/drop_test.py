"""Where each backbone applies dropout, for methods that use it."""

import keras
import pytest

from mimo_keras import backbones, keras_internals


class Marked(keras.layers.Identity):
    """Marks where a backbone applies dropout."""


def network(name, kit):
    inputs = keras.Input((16, 16, 3))
    with keras_internals.without_values():
        features, _ = backbones.get(name).features(inputs, kit)
    return keras.Model(inputs, features)


def neighbours(name):
    """(layer before, mark, layers after) for each place, in order."""
    built = network(name, backbones.Kit(drop=Marked))
    return [
        (
            keras_internals.maker(layer.input).name,
            layer.name,
            [reader.name for reader in keras_internals.readers(layer)],
        )
        for layer in built.layers
        if isinstance(layer, Marked)
    ]


def wide_resnet_places():
    for group in range(3):
        for block in range(2):
            at = f"group{group}_block{block}_"
            yield f"{at}conv0", f"{at}drop", [f"{at}norm1"]


def resnet50_places():
    for group, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            at = f"group{group}_block{block}_"
            yield f"{at}relu0", f"{at}drop0", [f"{at}conv1"]
            yield f"{at}relu1", f"{at}drop1", [f"{at}conv2"]


PLACES = {
    "wide_resnet_16_1": list(wide_resnet_places()),
    "resnet50": list(resnet50_places()),
    "small_cnn": [
        ("pool0", "drop0", ["stem"]),
        ("pool1", "drop1", ["stage_0"]),
        ("pool2", "drop2", ["stage_1"]),
    ],
    "mlp_4_5": [
        ("relu0", "drop0", ["stem"]),
        ("relu1", "drop1", ["stage_0"]),
    ],
}


@pytest.mark.parametrize("name", PLACES)
def test_places(name):
    assert neighbours(name) == PLACES[name]


@pytest.mark.parametrize("name", ["wide_resnet_10_1", "small_cnn", "mlp"])
def test_other_methods_have_no_layer_there(name):
    _, *plain = network(name, backbones.Kit()).layers
    _, *marked = network(name, backbones.Kit(drop=Marked)).layers
    others = [layer for layer in marked if not isinstance(layer, Marked)]
    assert [layer.name for layer in others] == [layer.name for layer in plain]
