"""create_model: what it builds, and its errors for wrong names."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.training import networks


def _refusal(**options):
    with pytest.raises(InputError) as caught:
        networks.create(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("options", [{"num_classes": None}, {"output_dim": 2}])
def test_exactly_one_kind_of_output(options):
    message = _refusal(**options)
    assert message.startswith(
        "Expected num_classes for classification or output_dim for "
        "regression. Received: num_classes="
    )
    assert message.endswith("Give exactly one of them.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"num_classes": 1},
            "Expected num_classes to be a whole number of at least 2. "
            "Received: num_classes=1. Count the outputs of the task.",
        ),
        (
            {"num_classes": 0},
            "Expected num_classes to be a whole number of at least 2. "
            "Received: num_classes=0. Count the outputs of the task.",
        ),
        (
            {"num_classes": None, "output_dim": 0.5},
            "Expected output_dim to be a whole number of at least 1. "
            "Received: output_dim=0.5. Count the outputs of the task.",
        ),
        (
            {"members": 0},
            "Expected ensemble_size of at least 1. Received: "
            "ensemble_size=0. Use 1 for a single network.",
        ),
        (
            {"method": "deterministic", "members": 2},
            "Expected ensemble_size=1 for method deterministic. Received: "
            "ensemble_size=2. Choose another method for an ensemble.",
        ),
        (
            {"batch_repetitions": 0},
            "Expected batch_repetitions of at least 1. Received: "
            "batch_repetitions=0. Use 1 to see every image once in a step.",
        ),
        (
            {"method": "naive_multihead", "batch_repetitions": 2},
            "Expected for method naive_multihead only the options (it has "
            "none). Received: batch_repetitions=2. Leave it out or choose "
            "another method.",
        ),
        (
            {"repetitions": 2},
            "Expected for method mimo only the options batch_repetitions, "
            "input_repetition_probability, shuffle_group. Received: "
            "repetitions=2. Did you mean 'batch_repetitions'?",
        ),
        (
            {"input_scales": None},
            "Expected for method mimo only the options batch_repetitions, "
            "input_repetition_probability, shuffle_group. Received: "
            "input_scales=None. Did you mean 'input_scale'?",
        ),
    ],
)
def test_numbers_and_options_that_do_not_fit(options, message):
    assert _refusal(**options) == message


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_probabilities_lie_between_0_and_1(probability):
    message = _refusal(input_repetition_probability=probability)
    assert message == (
        "Expected input_repetition_probability in [0, 1]. Received: "
        f"input_repetition_probability={probability}. "
        "It is the share of rows with one image in all members."
    )


@pytest.mark.parametrize("probability", [float("nan"), float("inf")])
def test_probabilities_are_finite(probability):
    message = _refusal(input_repetition_probability=probability)
    assert message == (
        "Expected input_repetition_probability to be a finite number. "
        f"Received: input_repetition_probability={probability}. The default "
        "is 0.0."
    )


def test_an_unknown_method_lists_those_that_exist():
    message = _refusal(method="momi")
    for name in mimo_keras.list_methods():
        assert name in message
    assert "Received: method='momi'." in message


@pytest.mark.parametrize("name", ["resnet", "wide_resnet_28_", None])
def test_an_unknown_backbone_lists_those_that_exist(name):
    message = _refusal(backbone=name)
    for form in mimo_keras.list_backbones():
        assert form in message
    assert f"Received: backbone={name!r}." in message


def test_networks_by_name_have_channels_last(monkeypatch):
    order = "channels_first"
    monkeypatch.setattr(keras.config, "image_data_format", lambda: order)
    assert "set_image_data_format('channels_last')" in _refusal(backbone="mlp")


def test_the_model_carries_what_was_asked_for():
    model = networks.create(**networks.OPTIONS)
    assert (model.name, model.task, model.seed) == (
        "mimo",
        "classification",
        11,
    )
    assert (model.num_classes, model.output_dim) == (3, 3)
    assert model.image_shape == networks.IMAGE
    assert (model.sampling.members, model.sampling.batch_repetitions) == (3, 2)
    assert model.sampling.input_repetition_probability == 0.5
    assert (model.standardize.mean, model.standardize.std) == ([0.5, 0.25], 2.0)
    np.testing.assert_allclose(np.exp(model.log_weights), [1 / 3] * 3)


def test_numbers_may_be_numpys():
    model = networks.create(num_classes=np.max([1, 3]) + 1)
    assert type(model.num_classes) is int
    assert model.num_classes == 4


def test_regression():
    model = networks.create(num_classes=None, output_dim=2)
    assert (model.task, model.num_classes) == ("regression", None)
    assert model.output_dim == 2


def test_a_backbone_of_ones_own_is_a_callable():
    model = networks.create(backbone=lambda x: keras.layers.Flatten()(x))
    kernel, bias = model.get_weights()
    # Two members of 2 x 3 images of two channels, three classes each.
    assert (kernel.shape, bias.shape) == ((24, 6), (6,))


@pytest.mark.parametrize(
    "shape",
    [8, "32", (), (None,), (8, 0, 1), (8, 2.5), (8, True), None, ((2, 3),)],
)
def test_an_input_shape_is_that_of_one_example(shape):
    assert _refusal(input_shape=shape) == (
        "Expected input_shape to be the shape of one example, such as (32, 32, "
        f"3). Received: input_shape={shape!r}. Leave out the batch; write (8,) "
        "for vectors of 8 numbers."
    )


@pytest.mark.parametrize("members", ["3", 2.0, True, None])
def test_an_ensemble_size_is_a_whole_number(members):
    assert _refusal(members=members) == (
        "Expected ensemble_size to be a whole number. Received: "
        f"ensemble_size={members!r}. Pass an int."
    )


@pytest.mark.parametrize("make", [lambda: 1.5, keras.random.SeedGenerator])
def test_a_seed_is_a_whole_number(make):
    seed = make()
    assert _refusal(seed=seed) == (
        "Expected seed to be a whole number. Received: "
        f"seed={' '.join(repr(seed).split())}. Pass an int."
    )
    assert type(networks.create(seed=np.int64(3)).seed) is int


@pytest.mark.parametrize("name", ["mean", "std"])
def test_mean_and_std_are_for_the_channels_of_the_images(name):
    assert _refusal(**{name: [0.5, 0.5, 0.5]}) == (
        f"Expected a {name} for each of the 2 channels. Received: "
        f"{name}=[0.5, 0.5, 0.5]. Pass one number, or one per channel."
    )


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"method": "mimo", "batch_repetitions": "2"}, "batch_repetitions='2'"),
        ({"batch_repetitions": 1.5}, "batch_repetitions=1.5"),
        (
            {"input_repetition_probability": "a"},
            "input_repetition_probability='a'",
        ),
        ({"method": "mc_dropout", "members": 1, "samples": 2.5}, "samples=2.5"),
        ({"method": "mc_dropout", "members": 1, "samples": "2"}, "samples='2'"),
        (
            {"method": "mc_dropout", "members": 1, "everywhere": "no"},
            "everywhere='no'",
        ),
        (
            {"method": "mc_dropout", "members": 1, "dropout_rate": True},
            "dropout_rate=True",
        ),
        ({"seed": "1"}, "seed='1'"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": -1}, "seed=-1"),
        ({"sync_batch_norm": "no"}, "sync_batch_norm='no'"),
        ({"input_scale": 255}, "input_scale=255"),
        ({"input_scale": [0, 255]}, "input_scale=[0, 255]"),
        ({"input_scale": np.arange(2)}, "input_scale=array([0, 1])"),
        ({"method": ["mimo"]}, "method=['mimo']"),
    ],
)
def test_options_of_another_type_are_refused(options, received):
    assert f"Received: {received}. " in _refusal(**options)


def test_a_lambda_layer_is_refused():
    """It could neither be copied into a predictor nor loaded from a file."""

    def backbone(x):
        x = keras.layers.Lambda(lambda z: 2 * z, name="double")(x)
        return keras.layers.Flatten()(x)

    assert _refusal(backbone=backbone) == (
        "Expected a backbone of layers that can be copied and loaded. Received:"
        " layer double of type Lambda. Use keras.ops, or a keras.layers.Layer "
        "of your own."
    )


def test_a_network_that_fits_into_no_memory():
    message = _refusal(num_classes=10**13)
    assert message.startswith(
        "Expected a network that fits into memory. Received: method mimo, "
        f"input_shape={networks.IMAGE}, ensemble_size=2: "
    )
    assert "{" not in message


@pytest.mark.parametrize("method", ["mimo", "deterministic"])
def test_images_of_any_size_are_predicted_as_those_of_one(method):
    backbone = mimo_keras.backbones.bottleneck_resnet((1,), (2,), (1,))
    members = 2 if method == "mimo" else 1
    options = {"backbone": backbone, "members": members}
    every = networks.create(method, input_shape=(None, None, 2), **options)
    one = networks.create(method, **options)
    images = networks.examples(2).images
    np.testing.assert_allclose(every(images), one(images), rtol=1e-5)
    found = every.predictor()(images)["probabilities"]
    wanted = one.predictor()(images)["probabilities"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert every.predictor()(images[:, :1])["entropy"].shape == (2,)


@pytest.mark.parametrize("options", [{"fold": "no"}, {"apart": [1, 2]}])
def test_flags_of_a_predictor_are_no_other_values(options):
    [name] = options
    with pytest.raises(InputError, match=f"{name} to be True or False"):
        networks.create().predictor(**options)
