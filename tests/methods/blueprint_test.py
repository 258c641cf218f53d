"""Blueprints: uniform weights, and valid sampling."""

import math

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.methods import Blueprint, KLTerm, Sampling
from tests.methods import small


def network(members):
    inputs = keras.Input((members, 3))
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


@pytest.mark.parametrize("members", [1, 4])
def test_mixture_weights_are_uniform_unless_said_otherwise(members):
    log_weights = Blueprint(network(members)).log_weights
    assert log_weights == (-math.log(members),) * members
    assert np.exp(log_weights).sum() == pytest.approx(1)


def test_mixture_weights_can_be_said():
    weights = (math.log(0.9), math.log(0.1))
    assert Blueprint(network(2), log_weights=weights).log_weights == weights


def test_members_share_one_input_unless_said_otherwise():
    assert Blueprint(network(2)).sampling == Sampling(0, 1, 0.0, 0)


@pytest.mark.parametrize("repetitions", [0, -1])
def test_no_repetition_is_an_error(repetitions):
    with pytest.raises(InputError) as caught:
        small.create("mimo", "mlp", 2, batch_repetitions=repetitions)
    assert str(caught.value) == (
        "Expected batch_repetitions of at least 1. Received: "
        f"batch_repetitions={repetitions}. Use 1 to see every image once in "
        "a step."
    )


@pytest.mark.parametrize("share", [-0.1, 1.001])
def test_a_share_outside_0_to_1_is_an_error(share):
    with pytest.raises(InputError) as caught:
        small.create("mimo", "mlp", 2, input_repetition_probability=share)
    assert str(caught.value) == (
        "Expected input_repetition_probability in [0, 1]. Received: "
        f"input_repetition_probability={share}. It is the share of rows "
        "with one image in all members."
    )


@pytest.mark.parametrize("group", [-1, 2.5, None])
@pytest.mark.parametrize(
    "method", ["mimo", "mimmo", "mixmo", "mixshare", "datamux"]
)
def test_a_group_of_images_is_a_whole_number(method, group):
    with pytest.raises(InputError) as caught:
        small.create(method, "wide_resnet_10_1", 2, shuffle_group=group)
    told = str(caught.value)
    assert told.startswith("Expected shuffle_group to be a whole number")
    assert f"Received: shuffle_group={group!r}." in told


@pytest.mark.parametrize("share", [0, 1, 0.5])
def test_a_share_at_or_between_0_and_1_is_taken(share):
    assert Sampling(2, 1, share).input_repetition_probability == share


def test_a_kl_term_per_image_is_over_n_or_waits_for_it():
    for count in (12, np.int64(12), np.uint8(12)):
        assert KLTerm.per_image(3.0, count, 2.5) == KLTerm(0.25, 30)
    assert KLTerm.per_image(3.0, None, 2.5) == KLTerm(3.0, 0, 2.5)


@pytest.mark.parametrize(
    "count", [0, -3, 1.5, 3.0, True, math.nan, math.inf, "12"]
)
def test_a_number_of_images_is_whole(count):
    with pytest.raises(InputError) as caught:
        KLTerm.per_image(1.0, count)
    assert str(caught.value) == (
        "Expected a whole number of train_examples, at least 1. Received: "
        f"train_examples={count!r}. Pass the number of training images, or "
        "leave it out: fit finds it."
    )
