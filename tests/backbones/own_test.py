"""Functions of the user's own as backbones."""

import random

import keras
import pytest

import mimo_keras
from mimo_keras import backbones, methods
from mimo_keras.backbones.own import Misfit
from mimo_keras.errors import InputError


def network():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


class Unserializable(keras.layers.Layer):
    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


class Forgetful(keras.layers.Layer):
    """Its config lacks an argument, so a copy has the default."""

    def __init__(self, factor=2.0, seed=None, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.seed = factor, seed or 3
        self.activation = keras.activations.get(activation)

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return super().get_config()


class Drawing(keras.layers.Layer):
    """Draws the seed of an initializer when it is made."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(units)
        self.units = units

    def call(self, x):
        return self.dense(x)


def features(function, shape=(3,)):
    x = keras.Input(shape)
    return backbones.get(function).features(x, backbones.Kit())[0]


def double():
    return keras.layers.Lambda(lambda z: 2 * z, name="double")


def first():
    return keras.layers.Conv2D(2, 1, data_format="channels_first", name="first")


def doubled(x):
    return 2 * x


class Tenths(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, 0.1, dtype)


@keras.saving.register_keras_serializable("own_test")
def tripled(x):
    return 3 * x


def within(layer):
    """Returns a network with a layer inside another network."""
    return keras.Sequential([keras.Sequential([layer])])


@pytest.mark.parametrize(
    ("function", "shape", "match"),
    [
        (lambda x: double()(x), (3,), "layer double of type Lambda. Use keras"),
        (
            lambda x: within(double())(x),
            (3,),
            "layer double of type Lambda",
        ),
        (
            lambda x: keras.layers.TimeDistributed(double(), name="all")(x),
            (4, 3),
            "layer all of type TimeDistributed",
        ),
        (
            lambda x: keras.layers.Dense(2, lambda z: z, name="own")(x),
            (3,),
            "layer own of type Dense with a lambda. Write it as a",
        ),
        (
            lambda x: within(keras.layers.Activation(doubled, name="own"))(x),
            (3,),
            "layer own of type Activation with doubled. Write",
        ),
        (
            lambda x: keras.layers.Dense(2, kernel_initializer=Tenths())(x),
            (3,),
            "of type Dense with Tenths. Write",
        ),
        (
            lambda x: Unserializable(lambda z: z, name="own")(x),
            (3,),
            "layer own of type Unserializable. Give it a get_config",
        ),
        (
            lambda x: Forgetful(3.0, name="own")(x),
            (3,),
            "layer own of type Forgetful, without factor=3.0",
        ),
        (
            lambda x: network().outputs[0],
            (3,),
            "does not depend on x. Make the",
        ),
        (
            lambda x: keras.layers.Flatten()(x),
            (None, 3),
            r"known width. Received: backbone\(x\) of shape \(None, None\)",
        ),
        (
            lambda x: keras.layers.ReLU()(keras.Sequential([first()])(x)),
            (3, 4, 4),
            "map behind layer first with data_format='channels_first'",
        ),
    ],
)
def test_what_no_predictor_could_copy_is_refused(function, shape, match):
    with pytest.raises(InputError, match=match) as error:
        features(function, shape)
    assert "\n" not in str(error.value)


def test_registered_functions_within_layers_are_taken():
    layer = keras.layers.Dense(2, tripled)
    assert features(lambda x: layer(x), (3,)).shape == (None, 2)


def test_layers_of_one_name_are_told_by_their_name():
    def function(x):
        layer = keras.layers.Dense(2, name="same")
        return keras.layers.ReLU(name="same")(layer(x))

    with pytest.raises(InputError, match="two layers named same. Rename one"):
        mimo_keras.create_model(
            "deterministic",
            backbone=function,
            input_shape=(3,),
            num_classes=2,
        )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: network()(x),
        lambda x: x,
        lambda x: keras.ops.concatenate([x, network()(x)], axis=-1),
        lambda x: Forgetful()(x),
        lambda x: Drawing(5)(x),
    ],
)
def test_all_else_is_a_backbone(function):
    assert features(function).shape[0] is None


def test_channels_may_come_first_if_features_are_no_map():
    for last in (
        keras.layers.GlobalAveragePooling2D(data_format="channels_first"),
        keras.layers.Permute((2, 3, 1)),
    ):
        assert (
            features(lambda x, f=last: f(first()(x)), (3, 4, 4)).shape[1] == 2
        )


def test_the_check_draws_no_random_numbers():
    """With the same seed, weights are those without it."""
    layer = Drawing()
    before = random.getstate()
    features(lambda x: layer(x))
    assert random.getstate() == before


def finished(kind, end=keras.layers.GlobalAveragePooling2D):
    inputs = keras.Input((8, 8, 1))
    network = [keras.layers.Conv2D(2, 3), end()]
    if kind == "sequential":
        return keras.Sequential([inputs, *network])
    return keras.Model(inputs, network[1](network[0](inputs)))


@pytest.mark.parametrize("kind", ["functional", "sequential"])
@pytest.mark.parametrize(
    "given",
    [
        lambda network: network,
        lambda network: lambda x: network(x),
        lambda network: lambda x: keras.layers.Dense(3)(network(x)),
        lambda network: lambda x: keras.Sequential([network])(x),
    ],
    ids=["itself", "called", "followed", "within"],
)
def test_a_finished_network_reads_its_own_images(kind, given):
    for shape in [(8, 8, 2), (9, 8, 1), (8, 8), (2, 8, 8, 1)]:
        with pytest.raises(Misfit) as caught:
            features(given(finished(kind)), shape)
        assert "\n" not in str(caught.value)
    assert features(given(finished(kind)), (8, 8, 1)).shape[1] in (2, 3)


def test_a_misfit_is_answered_in_one_line():
    network = finished("functional")
    with pytest.raises(InputError) as caught:
        methods.build(
            "deterministic",
            methods.Task(
                backbones.get(lambda x: network(x)),
                input_shape=(8, 8, 3),
                outputs=2,
                ensemble_size=1,
            ),
            {},
        )
    assert str(caught.value) == (
        "Expected input_shape of the backbone's own images. Received: "
        "input_shape=(8, 8, 3), and a network for inputs of shape (8, 8, 1), "
        "given (8, 8, 3). Resize the images, or pass a function that makes new "
        "layers."
    )


def test_a_finished_network_of_one_channel_reads_no_members_channels():
    network = finished("functional")
    task = methods.Task(
        backbones.get(lambda x: network(x)),
        input_shape=(8, 8, 1),
        outputs=2,
        ensemble_size=3,
    )
    with pytest.raises(InputError) as caught:
        methods.build("mimo", task, {})
    assert str(caught.value).startswith(
        "Expected a backbone that can be built on 3 channels, those of 3 "
        "members. Received: a network for inputs of shape (8, 8, 1), given "
        "(8, 8, 3). Pass a function that makes new layers"
    )
