"""WRN-28-10 at 10 classes costs what the paper says, and less when folded."""

import pytest

import mimo_keras
from mimo_keras import evaluation, methods

# Counts are the same on every backend.
pytestmark = pytest.mark.tensorflow


def network(method, members):
    return mimo_keras.create_model(
        method,
        backbone="wide_resnet_28_10",
        input_shape=(32, 32, 3),
        num_classes=10,
        ensemble_size=members,
    ).network


@pytest.fixture(scope="module")
def networks():
    """The deterministic network, and MIMO with M = 3, plain and folded."""
    mimo = network("mimo", 3)
    folded, is_folded = methods.single_image(mimo, multi_input=True)
    assert is_folded
    return {
        "deterministic": network("deterministic", 1),
        "mimo": mimo,
        "folded": folded,
    }


@pytest.mark.parametrize(
    ("name", "adds", "parameters"),
    [
        ("deterministic", 5_243_328_768, 36_479_194),
        ("mimo", 5_244_226_304, 36_492_878),
        # The deterministic network and two heads more: 2 · 640 · 10.
        ("folded", 5_243_341_568, 36_479_194 + 2 * (640 * 10 + 10)),
    ],
)
def test_cost(networks, name, adds, parameters):
    assert evaluation.multiply_adds(networks[name]) == adds
    assert evaluation.trainable_parameters(networks[name]) == parameters


def test_folded_is_the_deterministic_network_but_for_its_heads(networks):
    def layers(network):
        return [
            (type(layer).__name__, layer.name, layer.output.shape)
            for layer in network.layers
            if layer.name not in ("heads", "images", "concatenate_members")
        ]

    assert layers(networks["folded"]) == layers(networks["deterministic"])
    assert networks["folded"].input_shape == (None, 32, 32, 3)
    assert networks["folded"].output_shape == (None, 3, 10)
