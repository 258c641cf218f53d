"""Several heads on one trunk, and a single head."""

import pytest

from mimo_keras import evaluation
from mimo_keras.errors import InputError
from mimo_keras.methods import Sampling
from tests.methods import small


@pytest.mark.parametrize("backbone", small.SHAPES)
def test_a_member_adds_its_head_alone(backbone):
    one, two, three = (
        small.create("naive_multihead", backbone, members).network
        for members in (1, 2, 3)
    )
    features = one.get_layer("heads").input.shape[-1]
    parameters = [
        evaluation.trainable_parameters(network)
        for network in (one, two, three)
    ]
    assert parameters[2] - parameters[1] == (features + 1) * 4
    assert parameters[1] - parameters[0] == (features + 1) * 4
    assert three.input_shape == (None, *small.SHAPES[backbone])
    assert three.output_shape == (None, 3, 4)


@pytest.mark.parametrize("method", ["deterministic", "naive_multihead"])
def test_all_members_share_the_input(method):
    assert small.create(method, "mlp").sampling == Sampling(0, 1, 0.0)


@pytest.mark.parametrize("members", [2, 4])
def test_deterministic_has_one_member(members):
    with pytest.raises(InputError) as caught:
        small.create("deterministic", "mlp", members)
    assert str(caught.value) == (
        "Expected ensemble_size=1 for method deterministic. Received: "
        f"ensemble_size={members}. Choose another method for an ensemble."
    )
