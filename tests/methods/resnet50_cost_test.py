"""MIMO's ResNet-50 for ImageNet has the parameters of its layers."""

import pytest

from mimo_keras import backbones, evaluation, keras_internals, methods

# Counts are the same on every backend.
pytestmark = pytest.mark.tensorflow

CLASSES = 1000


def by_layers(width, members):
    """Counts kernels, the γ and β of batch norms, and heads, one by one.

    With M members the stem reads M images, and there are M heads.
    """
    inputs = 64 * width
    total = 7 * 7 * 3 * members * inputs + 2 * inputs
    for stage, blocks in enumerate((3, 4, 6, 3)):
        inner, outputs = 64 * width * 2**stage, 256 * width * 2**stage
        for block in range(blocks):
            total += inputs * inner + 9 * inner * inner + inner * outputs
            total += 2 * (inner + inner + outputs)
            if block == 0:  # The shortcut's convolution and batch norm.
                total += inputs * outputs + 2 * outputs
            inputs = outputs
    return total + members * (inputs * CLASSES + CLASSES)


@pytest.mark.parametrize(
    ("backbone", "width", "members", "parameters"),
    [
        ("resnet50", 1, 2, 27_615_440),
        ("wide_resnet50", 2, 2, 102_119_888),
    ],
)
def test_parameters(backbone, width, members, parameters):
    task = methods.Task(
        backbones.get(backbone), (224, 224, 3), CLASSES, members
    )
    with keras_internals.without_values():
        network = methods.build("mimo", task, {}).network
    found = evaluation.trainable_parameters(network)
    assert found == by_layers(width, members) == parameters
