"""from_network: its arguments, and what is done with its models."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.methods import networks, small


@pytest.fixture(scope="module")
def network():
    return networks.create("small_cnn")


def test_it_trains_and_comes_back_from_its_file(network, tmp_path):
    model = mimo_keras.from_network(
        network, "batch_ensemble", ensemble_size=2, noise=0.1, freeze="trunk"
    )
    assert model.num_classes == 4
    frozen = small.numpy(model.network.get_layer("b").kernel)
    small.train(model, epochs=1)
    small.assert_close(model.network.get_layer("b").kernel, frozen, atol=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    small.assert_close(loaded(networks.IMAGES), model(networks.IMAGES))
    trained = [v.path for v in model.trainable_variables]
    assert [v.path for v in loaded.trainable_variables] == trained


def test_images_are_what_the_network_takes(network):
    images = np.uint8(networks.IMAGES * 255)
    model = mimo_keras.from_network(network, "deterministic")
    found = model.predictor()(images)["probabilities"]
    small.assert_close(found, network(images))
    small.assert_close(
        model.predictor()(np.float32(images))["probabilities"], network(images)
    )


def test_an_own_model_keeps_its_scale(network):
    plain = mimo_keras.create_model(
        "deterministic",
        backbone="small_cnn_4",
        input_shape=small.IMAGES,
        num_classes=4,
        mean=0.5,
        std=0.25,
    )
    small.scatter(plain.network)
    model = mimo_keras.from_network(
        plain, "mimo", ensemble_size=2, num_classes=4
    )
    wanted = np.repeat(plain(networks.IMAGES), 2, axis=1)
    small.assert_close(model(networks.IMAGES), wanted, atol=1e-5)
    assert model.predictor().folded
    with pytest.raises(InputError, match="one member.*of 2.*member"):
        mimo_keras.from_network(model, "mimo", ensemble_size=2)


def test_another_width_gets_a_new_head(network):
    model = mimo_keras.from_network(
        network, "naive_multihead", ensemble_size=2, num_classes=7
    )
    assert model(networks.IMAGES).shape == (3, 2, 7)
    regression = mimo_keras.from_network(network, "deterministic", output_dim=2)
    assert regression(networks.IMAGES).shape == (3, 1, 2)


def test_predictions_that_are_taken_for_features_are_told():
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, activation="relu", name="last")(inputs)
    with pytest.warns(UserWarning, match="ends with last, whose 4 outputs"):
        mimo_keras.from_network(
            keras.Model(inputs, x), "deterministic", num_classes=4
        )


def ending(*layers):
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(3), *layers])


@pytest.mark.parametrize(
    ("units", "activation", "options", "match"),
    [
        (4, "sigmoid", {"num_classes": 4}, "linear or softmax outputs.*sigmo"),
        (4, "softmax", {"output_dim": 4}, "linear outputs for.*one with softm"),
        (1, "sigmoid", {"output_dim": 1}, "linear outputs.*one with sigmoid"),
        (
            *(1, "sigmoid", {"num_classes": 2, "likelihood": "multilabel"}),
            "linear or sigmoid outputs.*one with softmax",
        ),
    ],
)
def test_predictions_of_another_kind_are_refused(
    units, activation, options, match
):
    network = ending(keras.layers.Dense(units, activation=activation))
    with pytest.raises(InputError, match=match):
        mimo_keras.from_network(network, "deterministic", **options)


def test_a_sigmoid_starts_a_binary_model():
    network = ending(keras.layers.Dense(1, activation="sigmoid"))
    model = mimo_keras.from_network(
        network, "mimo", ensemble_size=2, likelihood="binary"
    )
    x = np.random.default_rng(0).random((3, 6), "float32")
    found = model.predictor()(x)["probabilities"]
    small.assert_close(found, network(x))


def test_a_softmax_over_another_axis_is_no_softmax_of_classes():
    dense = keras.layers.Dense(4)
    trained = mimo_keras.methods.trained
    for axis, wanted in ((1, "softmax"), (0, "linear")):
        network = ending(dense, keras.layers.Softmax(axis))
        assert trained.read(network).activation == wanted


def channels_first():
    inputs = keras.Input((3, 8, 8))
    conv = keras.layers.Conv2D(4, 3, data_format="channels_first", name="conv")
    x = keras.layers.Flatten()(conv(inputs))
    return keras.Model(inputs, keras.layers.Dense(4)(x))


def map_channels_first():
    network = channels_first()
    return keras.Model(network.input, network.get_layer("conv").output)


@pytest.mark.parametrize(
    ("make", "method", "options", "match"),
    [
        (None, "datamux", {}, "method='datamux'.*keys.*create_model"),
        (None, "mimos", {}, "method='mimos'.*Did you mean 'mimo'"),
        (None, "mimo", {"noise": -1}, "noise=-1"),
        (None, "mimo", {"freeze": "all"}, "freeze='all'"),
        (None, "mimo", {"depth": 2}, "depth=2"),
        (None, "treenet", {"split": "top"}, "a, .*Received: 'top'"),
        (None, "deterministic", {"ensemble_size": 2}, "ensemble_size=1"),
        (channels_first, "mimo", {"num_classes": 4}, "conv with data_format"),
        (channels_first, "dun", {"num_classes": 4}, "conv with data_format"),
        (channels_first, "deterministic", {}, "neither, and a network"),
        (map_channels_first, "deterministic", {}, "a map behind layer conv"),
    ],
)
def test_bad_arguments_are_answered_in_one_line(
    network, make, method, options, match
):
    network = make() if make else network
    with pytest.raises(InputError, match=match):
        mimo_keras.from_network(network, method, **options)
