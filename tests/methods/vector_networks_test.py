"""Ensembles that start from networks of vectors, with and without a head."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small

ROWS = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")


def network(*layers):
    model = keras.Sequential([keras.Input((6,)), *layers])
    small.scatter(model)
    return model


def dense(units, activation=None, **options):
    return keras.layers.Dense(units, activation, **options)


def create(model, method, **options):
    return mimo_keras.from_network(
        model, method, ensemble_size=2, num_classes=4, seed=0, **options
    )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "method", ["mimo", "mixmo", "mixture_ensemble", "deep_ensemble"]
)
def test_every_member_predicts_what_the_network_does(method, bias):
    model = network(dense(5, "tanh"), dense(4, use_bias=bias))
    start = create(model, method)
    wanted = np.repeat(small.numpy(model(ROWS))[:, None], 2, axis=1)
    small.assert_close(start(ROWS), wanted, atol=1e-5)
    logits = start.predictor().member_logits(ROWS)
    small.assert_close(logits, wanted, atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [
        (dense(5, "tanh"),),
        # No softmax over classes, and no logits either.
        (dense(5, "tanh"), dense(4), keras.layers.Activation("relu")),
    ],
)
@pytest.mark.filterwarnings("ignore:Expected")
def test_without_a_head_the_features_are_the_networks(layers):
    model = network(*layers)
    start = create(model, "mimo")
    heads = start.network.get_layer("heads")
    features = keras.Model(start.network.input, heads.input)
    found = features(np.repeat(ROWS[:, None], 2, axis=1))
    small.assert_close(found, model(ROWS), atol=1e-5)


def test_two_softmaxes_are_refused():
    model = network(dense(4, "softmax", name="top"), keras.layers.Softmax())
    with pytest.raises(InputError, match="softmax after layer top"):
        create(model, "mimo")


def test_mixmo_needs_a_first_layer_that_it_can_give_to_each_member():
    model = network(keras.layers.LayerNormalization(name="norm"), dense(4))
    with pytest.raises(InputError, match="starts with norm of type Layer"):
        create(model, "mixmo")
