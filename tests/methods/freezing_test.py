"""Only what is the members' own trains."""

import keras
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import networks

HEADS = {"heads/kernel", "heads/bias"}


def create(method, members=2, network="small_cnn"):
    return mimo_keras.from_network(
        networks.create(network),
        method,
        ensemble_size=members,
        num_classes=4,
        freeze="trunk",
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("method", "own"),
    [
        ("naive_multihead", HEADS),
        (
            "mimmo",
            {
                *("a/kernel", "a/bias", "depth_posterior/theta", *HEADS),
                *("exit0_conv/kernel", "exit0_conv/bias"),
                *("exit0_norm/gamma", "exit0_norm/beta"),
            },
        ),
        ("mimo", {"a/kernel", "a/bias", *HEADS}),
        ("mixmo", {"a/kernel", "a/bias", *HEADS}),
        (
            "mixture_ensemble",
            {"b/coefficients", "b/bias", "c/coefficients", "c/bias", *HEADS},
        ),
        ("treenet", {"b/kernel", "b/bias", "c/kernel", "c/bias", *HEADS}),
        (
            "batch_ensemble",
            {
                f"{layer}/{weight}"
                for layer in ("a", "b", "c", "heads")
                for weight in ("alpha", "gamma", "ensemble_bias")
            }
            | {"heads/kernel"},
        ),
    ],
)
def test_what_trains_is_the_members_own(method, own):
    model = create(method)
    assert {v.path for v in model.trainable_variables} == own


@pytest.mark.tensorflow
def test_a_networks_layer_may_be_called_as_an_exit():
    network = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, name="exit1"),
            keras.layers.Dense(4, name="top"),
        ]
    )
    model = mimo_keras.from_network(
        *(network, "naive_multihead"),
        ensemble_size=2,
        num_classes=4,
        freeze="trunk",
    )
    assert {v.path for v in model.trainable_variables} == HEADS


@pytest.mark.tensorflow
def test_norms_train_and_all_can_train_again():
    model = create("batch_ensemble", network="resnet")
    names = [v.path for v in model.trainable_variables]
    assert sum(name.startswith("batch_norm") for name in names) == 7
    count = len(names)
    model.trainable = False
    model.trainable = True
    assert len(model.trainable_variables) == count + 4


@pytest.mark.tensorflow
def test_members_that_share_nothing_are_told():
    with pytest.raises(InputError, match="members' own"):
        create("deep_ensemble")
