"""wide_resnet is METHODS' network: values by NumPy, order by graph."""

import keras
import numpy as np
import pytest

from mimo_keras import evaluation, keras_internals
from mimo_keras.backbones.wide_resnet import wide_resnet
from mimo_keras.errors import InputError
from tests.backbones import numpy_twins as twins

GROUPS = ((16, 1), (32, 2), (64, 2))


def wide_resnet_10(network, x, width, late=False):
    """WRN-10-k in NumPy, with the weights of a built network by name."""

    def weights(name):
        return network.get_layer(name).get_weights()

    def active(x, name):
        return twins.relu(twins.norm(x, *weights(name)))

    x = twins.conv(x, *weights("stem_conv"))
    for group, (filters, strides) in enumerate(GROUPS):
        block = f"group{group}_block0_"
        [kernel] = weights(f"{block}conv0")
        first, second = (1, strides) if late else (strides, 1)
        y = twins.conv(active(x, f"{block}norm0"), kernel, first)
        [kernel] = weights(f"{block}conv1")
        y = twins.conv(active(y, f"{block}norm1"), kernel, second)
        if x.shape[-1] != filters * width or strides != 1:
            x = twins.conv(x, *weights(f"{block}shortcut"), strides)
        x = x + y
    return active(x, "norm_top").mean(axis=(1, 2))


@pytest.mark.parametrize(
    ("name", "width", "late"),
    [
        ("wide_resnet_10_1", 1, False),
        ("wide_resnet_10_2", 2, False),
        ("wide_resnet_10_1_late_stride", 1, True),
    ],
)
def test_equals_numpy(build, images, name, width, late):
    network = build(name, (9, 8, 3))
    inputs = images(2, 9, 8, 3)
    np.testing.assert_allclose(
        network(inputs)["features"],
        wide_resnet_10(network, inputs, width, late),
        rtol=1e-3,
        atol=1e-3,
    )


def before(tensor, steps):
    """Walks back over `steps` layers of one input each.

    Returns:
        The layers, last first, and the input tensor of the first one.
    """
    passed = []
    for _ in range(steps):
        layer = keras_internals.maker(unmarked(tensor))
        passed.append(layer)
        tensor = layer.input
    return passed, unmarked(tensor)


def unmarked(tensor):
    """The tensor itself, where an endpoint only marks it."""
    layer = keras_internals.maker(tensor)
    return layer.input if isinstance(layer, keras.layers.Identity) else tensor


def kinds(layers):
    return [type(layer).__name__ for layer in layers]


@pytest.mark.parametrize("width", [1, 2])
def test_every_block_is_made_as_in_the_paper(build, width):
    network = build(f"wide_resnet_16_{width}", (32, 32, 3))
    tensor = network.get_layer("pool").input
    top, tensor = before(tensor, 2)
    assert kinds(top) == ["ReLU", "FusedBatchNormalization"]
    for filters, first_strides in reversed(GROUPS):
        for block in reversed(range(2)):
            strides = first_strides if block == 0 else 1
            add = keras_internals.maker(tensor)
            shortcut, residual = map(unmarked, add.input)
            layers, tensor = before(residual, 6)
            assert (
                kinds(layers)
                == [
                    "Conv2D",
                    "ReLU",
                    "FusedBatchNormalization",
                ]
                * 2
            )
            second, first = layers[0], layers[3]
            assert first.kernel_size == second.kernel_size == (3, 3)
            assert first.filters == second.filters == filters * width
            assert first.strides == (strides, strides)
            assert second.strides == (1, 1)
            if tensor.shape == add.output.shape:
                assert shortcut is tensor
                continue
            [projection], raw = before(shortcut, 1)
            assert raw is tensor  # The raw input, not the activated one.
            assert projection.kernel_size == (1, 1)
            assert projection.strides == (strides, strides)
            assert projection.filters == filters * width
    [stem], image = before(tensor, 1)
    assert image is network.input
    assert (stem.filters, stem.kernel_size) == (16, (3, 3))


def test_layers_are_set_as_in_the_paper(build):
    network = build("wide_resnet_10_1", (16, 16, 3))
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert not layer.use_bias
            assert layer.padding == "same"
            assert isinstance(
                layer.kernel_initializer, keras.initializers.HeNormal
            )
        if isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)


def trainable(depth, width, channels=3):
    """The trainable parameters up to the features, by hand."""
    blocks = (depth - 4) // 6
    total, inputs = 9 * channels * 16, 16
    for base, strides in GROUPS:
        filters = base * width
        for block in range(blocks):
            total += 9 * (inputs + filters) * filters + 2 * (inputs + filters)
            if inputs != filters or (block == 0 and strides != 1):
                total += inputs * filters
            inputs = filters
    return total + 2 * inputs


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (16, 2), (22, 1)])
def test_parameters_and_endpoints(build, depth, width):
    network = build(f"wide_resnet_{depth}_{width}", (32, 32, 3))
    assert {k: v.shape[1:] for k, v in network.output.items()} == {
        "stem": (32, 32, 16),
        "stage_0": (32, 32, 16 * width),
        "stage_1": (16, 16, 32 * width),
        "stage_2": (8, 8, 64 * width),
        "features": (64 * width,),
    }
    parameters = evaluation.trainable_parameters(network)
    assert parameters == trainable(depth, width)
    adds = [layer for layer in network.layers if type(layer).__name__ == "Add"]
    assert len(adds) == (depth - 4) // 2


def test_hand_count_of_28_10_is_the_papers_less_its_head():
    assert trainable(28, 10) + 640 * 10 + 10 == 36_479_194


@pytest.mark.parametrize(
    ("depth", "width"), [(27, 10), (4, 1), (0, 1), (28, 0)]
)
def test_depths_and_widths_that_are_none_are_errors(depth, width):
    with pytest.raises(InputError) as caught:
        wide_resnet(depth, width)
    assert str(caught.value) == (
        "Expected wide_resnet_{6 n + 4}_{width of at least 1}. Received: "
        f"backbone=wide_resnet_{depth}_{width}. Use, for example, "
        "wide_resnet_28_10 or wide_resnet_16_4."
    )
