"""The supplement's residual network: its sizes, by hand."""

import keras
import pytest

from mimo_keras import backbones
from mimo_keras.errors import InputError


def count(depths=(1, 2, 3, 1), widths=(16, 32, 64, 128)):
    """Trainable parameters of the features, by hand."""
    total, channels = 27 * 16 + 32, 16
    for index, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        inside, outside = 2 * width, 4 * width
        for block in range(depth):
            total += channels * inside + 2 * inside
            total += 9 * inside * inside + 2 * inside
            total += inside * outside + 2 * outside
            strides = 2 if index and not block else 1
            if channels != outside or strides != 1:
                total += channels * outside + 2 * outside
            channels = outside
    return total


def parameters(model):
    return sum(
        int(keras.ops.prod(keras.ops.convert_to_tensor(w.shape)))
        for w in model.trainable_weights
    )


@pytest.mark.tensorflow  # Counting is the same on every backend.
@pytest.mark.parametrize(
    ("name", "depths", "widths"),
    [
        ("bottleneck_resnet", (1, 2, 3, 1), (16, 32, 64, 128)),
        ("bottleneck_resnet_2_1", (2, 4, 6, 2), (16, 32, 64, 128)),
        ("bottleneck_resnet_1_2", (1, 2, 3, 1), (32, 64, 128, 256)),
    ],
)
def test_parameters_by_hand(build, name, depths, widths):
    network = build(name, (32, 32, 3))
    assert parameters(network) == count(depths, widths)


def test_with_100_classes_it_is_the_papers():
    assert count() + 512 * 100 + 100 == 1_756_340


def test_every_stage_is_returned(build):
    network = build("bottleneck_resnet", (32, 32, 3))
    shapes = {k: v.shape[1:] for k, v in network.output.items()}
    assert shapes == {
        "stem": (32, 32, 16),
        "stage_0": (32, 32, 64),
        "stage_1": (16, 16, 128),
        "stage_2": (8, 8, 256),
        "stage_3": (4, 4, 512),
        "features": (512,),
    }


def test_sizes_are_arguments(build):
    network = build(
        backbones.bottleneck_resnet((1, 1), (4, 8), (2, 1)), (8, 8, 3)
    )
    assert network.output["stage_1"].shape[1:] == (4, 4, 32)


@pytest.mark.parametrize(
    "sizes", [((1,), (4, 8), (1, 2)), ((), (), ()), ((0,), (4,), (1,))]
)
def test_sizes_that_do_not_fit(sizes):
    with pytest.raises(InputError, match="depths="):
        backbones.bottleneck_resnet(*sizes)
