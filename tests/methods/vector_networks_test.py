"""Ensembles that start from networks of vectors, with and without a head."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import keras_internals
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
    options = {"ensemble_size": 2, "num_classes": 4, "seed": 0, **options}
    return mimo_keras.from_network(model, method, **options)


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


@pytest.mark.tensorflow
def test_noise_of_one_member_leaves_the_kernels_under_fast_weights():
    model = network(dense(5, "tanh", name="a"), dense(4, name="b"))
    start = create(model, "batch_ensemble", ensemble_size=1, noise=0.1)
    for name, source in (("a", "a"), ("heads", "b")):
        layer = start.network.get_layer(name)
        small.assert_close(layer.kernel, model.get_layer(source).kernel, atol=0)
        assert 0 < np.abs(small.numpy(layer.gamma) - 1).max() < 0.5


@pytest.mark.tensorflow
def test_templates_of_each_member_start_as_exactly():
    model = network(dense(6, "tanh", name="a"), dense(6, "tanh"), dense(4))
    options = {"assign": "disjoint", "templates_per_layer": 2}
    start = create(model, "mixture_ensemble", num_params=4.0, **options)
    first, second = start.network.get_layer("a").offset
    assert first != second
    wanted = np.repeat(small.numpy(model(ROWS))[:, None], 2, axis=1)
    small.assert_close(start(ROWS), wanted, atol=1e-5)


@pytest.mark.tensorflow
def test_new_heads_in_a_bank_of_their_own_stay_new():
    model = network(dense(5, "tanh", name="last"), dense(4))
    options = {"num_classes": 7, "bank_single_layers": True}
    start = create(model, "mixture_ensemble", **options)
    features, bank = start.network.get_layer("heads").input
    assert np.ptp(keras_internals.maker(bank).get_weights()[0]) > 0
    found = keras.Model(start.network.input, features)(ROWS)
    last = keras.Model(model.inputs[0], model.get_layer("last").output)
    wanted = np.tile(small.numpy(last(ROWS)), (2, 1))
    small.assert_close(found, wanted, atol=1e-5)
