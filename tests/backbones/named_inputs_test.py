"""A user's own network of several named inputs as a backbone."""

import keras
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import small
from tests.training import dictionaries
from tests.training.dictionaries import SHAPES, create, features

INPUTS, LABELS = dictionaries.examples()


def test_one_network_is_the_users_own_behind_the_split():
    network = dictionaries.network()
    model = create("deterministic", 1, network)
    head = model.network.get_layer("heads")
    whole = {
        **INPUTS,
        "age": INPUTS["age"].reshape(-1, 1).astype("float32"),
        "image": INPUTS["image"].astype("float32"),
    }
    small.assert_close(model(INPUTS), head(network(whole)), atol=1e-6)


def test_what_does_not_fit_is_refused_when_it_is_created():
    with pytest.raises(InputError, match="input_scale=None"):
        create_with = {"backbone": features, "input_shape": SHAPES}
        mimo_keras.create_model("deterministic", **create_with, num_classes=3)
    with pytest.raises(InputError, match="a network of your own"):
        create("deterministic", 1, "mlp")
    with pytest.raises(InputError, match="reads of the inputs"):
        create("deterministic", 1, lambda inputs: inputs["picture"])
    with pytest.raises(KeyError, match="age"):  # The function's own error.
        create("deterministic", 1, lambda inputs: {}["age"])
    other = keras.Input((3,), name="age")
    with pytest.raises(InputError, match="input_shape of the backbone's"):
        create("deterministic", 1, keras.Model(other, other + 1.0))
