"""MIMO's network: one stem for M inputs, M heads, and its sampling."""

import keras
import numpy as np
import pytest

from mimo_keras import evaluation, methods
from tests.methods import small


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("backbone", small.SHAPES)
def test_inputs_and_outputs_have_an_axis_of_members(backbone, members):
    network = small.create("mimo", backbone, members).network
    shape = small.SHAPES[backbone]
    assert network.input_shape == (None, members, *shape)
    assert network.output_shape == (None, members, 4)


def test_sampling_is_the_options():
    model = small.create(
        "mimo",
        "mlp",
        3,
        batch_repetitions=4,
        input_repetition_probability=0.6,
    )
    assert model.sampling == methods.Sampling(3, 4, 0.6)
    assert small.create("mimo", "mlp", 2).sampling == methods.Sampling(2, 1, 0)


@pytest.mark.parametrize(
    ("backbone", "stem"),
    [
        ("wide_resnet_10_1", 9 * 3 * 16),
        ("small_cnn", 9 * 3 * 16),
        ("mlp", 6 * 32),
    ],
)
def test_a_member_adds_its_stem_and_its_head_alone(backbone, stem):
    one, two, three = (
        evaluation.trainable_parameters(
            small.create("mimo", backbone, members).network
        )
        for members in (1, 2, 3)
    )
    network = small.create("mimo", backbone).network
    features = network.get_layer("heads").input.shape[-1]
    assert three - two == two - one == stem + (features + 1) * 4


def test_every_member_reads_its_own_input_and_has_its_own_head():
    """The network is linear, so that each path can be observed alone."""
    model = small.create(
        "mimo", keras.layers.Flatten(), 2, shape=(2, 1), task="regression"
    )
    # Flattened by position, then member: (p0 m0, p0 m1, p1 m0, p1 m1).
    kernel = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    model.network.set_weights([kernel, np.zeros(4)])
    inputs = np.array([[[[1], [2]], [[3], [4]]]], "float32")
    outputs = small.numpy(model.network(inputs))
    assert outputs.tolist() == [[[1, 2], [3, 4]]]
