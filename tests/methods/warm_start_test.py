"""Ensembles start where a trained network stands."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import keras_internals
from mimo_keras.errors import InputError
from tests.methods import networks, small

MEMBERS = 2
# What each method is asked for; a ViT has no resolutions.
OPTIONS = {
    "batch_ensemble": {},
    "mimo": {},
    "mixmo": {},
    "mixture_ensemble": {},
    "rank1_bnn": {"train_examples": 9},
    "treenet": {},
}
ALONE = {"deterministic": {}, "mc_dropout": {"dropout_rate": 0.0}}
SHARING = {"deep_ensemble": {}, "naive_multihead": {}, "mixshare": {}}
# The last exits are the network, those before are new.
EXITS = {
    "dun": {"train_examples": 9},
    "early_exit": {},
    "mimmo": {"train_examples": 9},
}
# On one network each, which the others of their kind cross.
ONCE = {
    *((method, "small_cnn") for method in ALONE | SHARING),
    *{"dun": "mobilenet", "early_exit": "vit", "mimmo": "resnet"}.items(),
}
# MixMo's encoders and branches are elsewhere, and so are these layers.
CROSSED = {("mixmo", "mobilenet"), ("treenet", "mobilenet")}
# For time; on JAX its layers take the same weights.
ON_TENSORFLOW = {"rank1_bnn"}
# JAX compiles each operation of a large network anew.
PORTABLE = {"small_cnn", "vit"}


def copies():
    """Methods that copy the network, or lay exits beside it, on all kinds."""
    for method in ALONE | SHARING | EXITS:
        for name in networks.NETWORKS:
            if method in ("dun", "mimmo") and name == "vit":
                continue  # It has no maps: see below.
            marks = [pytest.mark.matrix] * ((method, name) not in ONCE)
            marks += [pytest.mark.tensorflow] * (name not in PORTABLE)
            yield pytest.param(method, name, marks=marks)


@pytest.fixture(scope="module")
def network(request):
    return networks.create(request.param)


def converted():
    """Methods that replace or divide layers, on all kinds of networks."""
    for name in networks.NETWORKS:
        for method in OPTIONS:
            portable = name in PORTABLE and method not in ON_TENSORFLOW
            marks = [pytest.mark.tensorflow] * (not portable)
            marks += [pytest.mark.matrix] * ((method, name) in CROSSED)
            yield pytest.param(name, method, marks=marks)


def marked(methods):
    return [
        pytest.param(m, marks=[pytest.mark.tensorflow] * (m in ON_TENSORFLOW))
        for m in methods
    ]


def create(network, method, members=MEMBERS, **options):
    return mimo_keras.from_network(
        network,
        method,
        ensemble_size=members,
        **{"num_classes": networks.CLASSES, "seed": 0, **options},
    )


@pytest.mark.parametrize(
    ("network", "method"), converted(), indirect=["network"]
)
def test_every_member_predicts_what_the_network_does(network, method):
    before = network.get_weights()
    model = create(network, method, **OPTIONS[method])
    wanted = np.repeat(network(networks.IMAGES)[:, None], MEMBERS, axis=1)
    found = networks.members(network, model)
    small.assert_close(found, wanted, atol=1e-5)
    predictor = model.predictor()
    logits = predictor.member_logits(networks.IMAGES)
    small.assert_close(networks.members(network, logits), wanted, atol=1e-5)
    assert predictor.folded == (method in ("mimo", "mixmo"))
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("method", "name"), copies())
def test_copies_predict_what_the_network_does(method, name):
    network = networks.create(name)
    alone = method in ALONE or method in ("dun", "early_exit")
    members = 1 if alone else MEMBERS
    options = (ALONE | SHARING | EXITS)[method]
    model = create(network, method, members, **options)
    wanted = np.repeat(network(networks.IMAGES)[:, None], members, axis=1)
    predictor = model.predictor()
    for logits in (
        model(networks.IMAGES),
        predictor.member_logits(networks.IMAGES),
    ):
        found = networks.members(network, logits)
        last = found[:, -members:] if method in EXITS else found[:, :members]
        small.assert_close(last, wanted, atol=1e-5)
    assert (found.shape[1] > members) == (method in {*EXITS, "mc_dropout"})


def test_exits_stand_where_they_are_asked_for():
    model = create(networks.create("vit"), "early_exit", 1, exits="block0")
    assert model(networks.IMAGES).shape == (3, 2, 4)
    read = model.network.get_layer("exit0_pool").input
    name = keras_internals.made_from(read)[0]
    assert keras_internals.maker(name).name == "block0"
    with pytest.raises(InputError, match=r"shapes \(None, 4, 8\)"):
        create(networks.create("vit"), "dun", 1, exits="block0")


@pytest.mark.parametrize(
    "method",
    marked(["batch_ensemble", "deep_ensemble", "mixmo", "mixture_ensemble"]),
)
def test_noise_parts_the_members_and_repeats(method):
    network = networks.create("small_cnn")
    options = {"noise": 0.1, **OPTIONS.get(method, {})}
    one, other = (create(network, method, **options) for _ in range(2))
    for a, b in zip(one.weights, other.weights, strict=True):
        if a.name not in ("stddev", "seed_generator_state"):
            np.testing.assert_array_equal(small.numpy(a), small.numpy(b))
    logits = small.numpy(one(networks.IMAGES))
    assert np.abs(logits[:, 0] - logits[:, 1]).max() > 0.01


def test_noise_leaves_the_sum_of_mimos_first_kernels():
    network = networks.create("small_cnn")
    model = create(network, "mimo", 3, noise=0.5)
    [kernel, bias] = network.get_layer("a").get_weights()
    first = model.network.get_layer("a")
    parts = small.numpy(first.kernel).reshape(3, 3, 3, 3, 6)
    np.testing.assert_allclose(parts.sum(axis=2), kernel, atol=1e-6)
    assert np.abs(parts[:, :, 0] - parts[:, :, 1]).max() > 0.05
    small.assert_close(first.bias, bias)
    features = mimo_keras.methods.trained.read(network).trunk(networks.IMAGES)
    heads = model.network.get_layer("heads")
    seen = np.repeat(networks.IMAGES[:, None], 3, axis=1)
    found = keras.Model(model.network.input, heads.input)(seen)
    small.assert_close(found, features)


def test_a_smaller_budget_starts_as_near_as_it_can():
    network = networks.create("small_cnn")
    kernels = [
        network.get_layer(name).get_weights()[0].ravel() for name in "bc"
    ]
    with pytest.warns(UserWarning, match="off by .*% of their norm"):
        model = create(network, "mixture_ensemble", num_params=0.75)
    left, values, right = np.linalg.svd(kernels, full_matrices=False)
    nearest = values[0] * left[:, :1] * right[:1]
    for name, wanted in zip("bc", nearest, strict=True):
        kernel = model.member(0).network.get_layer(name).kernel
        np.testing.assert_allclose(np.ravel(kernel), wanted, atol=1e-5)
    logits = small.numpy(model(networks.IMAGES))
    np.testing.assert_array_equal(logits[:, 0], logits[:, 1])


@pytest.mark.tensorflow
def test_penalties_of_composed_kernels_are_those_of_the_network():
    network = networks.create("resnet")
    model = create(network, "mixture_ensemble", 3)
    model(networks.IMAGES)
    assert len(network.losses) == 2
    small.assert_close(sum(model.losses), sum(network.losses), rtol=1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize("method", ["mimo", "mixture_ensemble"])
def test_a_frozen_network_stays_frozen(method):
    network = networks.create("small_cnn")
    network.trainable = False
    assert not create(network, method).trainable_variables


def test_fast_weights_differ_by_the_noise_and_kernels_stay():
    network = networks.create("resnet")
    model = create(network, "batch_ensemble", noise=0.1)
    for name in ("first", "heads"):
        layer = model.network.get_layer(name)
        source = network.get_layer("top" if name == "heads" else name)
        small.assert_close(layer.kernel, source.kernel)
        fast = np.ravel(layer.gamma)
        assert 0 < np.abs(fast - 1).max() < 0.5
    assert len(model.losses) == len(network.losses) == 2


def edge(first, *layers):
    inputs = keras.Input(small.IMAGES)
    x = first(inputs)
    for layer in layers:
        x = layer(x)
    x = keras.layers.Flatten()(x)
    network = keras.Model(inputs, keras.layers.Dense(4)(x))
    small.scatter(network)
    return network


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "first",
    [
        lambda: keras.layers.BatchNormalization(),
        lambda: keras.layers.LayerNormalization(),
        lambda: keras.layers.DepthwiseConv2D(
            3, depth_multiplier=2, activation="relu"
        ),
        lambda: keras.layers.Flatten(),
        lambda: keras.layers.AveragePooling2D(2),
        lambda: keras.layers.RandomTranslation(0.5, 0.5),
    ],
    ids=[
        *("batch_norm", "layer_norm", "depthwise", "no_trunk", "pooling"),
        "augmentation",
    ],
)
def test_mimo_starts_with_layers_that_treat_channels_alike(first):
    first = first()
    conv = keras.layers.Conv2D(4, 3)
    layers = [] if isinstance(first, keras.layers.Flatten) else [conv]
    network = edge(first, *layers)
    model = create(network, "mimo", 3)
    found = network(networks.IMAGES, training=False)
    wanted = np.repeat(found[:, None], 3, axis=1)
    small.assert_close(model(networks.IMAGES), wanted, atol=1e-5)


@pytest.mark.tensorflow
def test_mimo_refuses_layers_in_which_members_channels_meet():
    attend = keras.layers.MultiHeadAttention(1, 2, name="attend")
    unit = keras.layers.UnitNormalization()
    network = edge(unit, keras.layers.Conv2D(4, 3, name="conv"))
    with pytest.raises(InputError, match="layer such as conv, before which"):
        create(network, "mimo", 3)
    network = edge(
        keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3))
    )
    with pytest.raises(
        InputError, match="spectral.*before which channels meet"
    ):
        create(network, "mimo", 3)
    inputs = keras.Input(small.IMAGES)
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    x = keras.layers.Flatten()(keras.layers.Concatenate()([inputs, x]))
    network = keras.Model(inputs, keras.layers.Dense(4)(x))
    with pytest.raises(InputError, match="conv, before which channels meet"):
        create(network, "mimo", 3)
    network = edge(keras.layers.Reshape((64, 3)), keras.layers.Conv1D(2, 3))
    with pytest.raises(InputError, match="built on 9.*batch_ensemble"):
        create(network, "mimo", 3)
    network = edge(lambda x: attend(x, x))
    with pytest.raises(InputError, match="attend, before which channels meet"):
        create(network, "mimo", 3)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "behind",
    [
        lambda: keras.layers.BatchNormalization(name="behind"),
        lambda: keras.layers.Conv2D(2, 3, name="behind"),
        lambda: keras.layers.SeparableConv2D(2, 3, name="behind"),
    ],
    ids=["batch_norm", "conv", "separable"],
)
def test_mimo_refuses_inputs_that_maps_are_joined_to(behind):
    """As in a DenseNet without a stem: of 3 + 4 channels, 9 + 4."""
    conv = keras.layers.Conv2D(4, 3, padding="same")
    network = edge(lambda x: keras.layers.Concatenate()([x, conv(x)]), behind())
    with pytest.raises(InputError, match="several images.*layer behind of"):
        create(network, "mimo", 3)


@pytest.mark.tensorflow
def test_new_heads_on_the_inputs_read_those_of_all_members():
    network = edge(keras.layers.Flatten())
    model = create(network, "mimo", 3, num_classes=7)
    seen = np.random.default_rng(0).random((2, 3, *small.IMAGES), "float32")
    heads = model.network.get_layer("heads")
    found = keras.Model(model.network.input, heads.input)(seen)
    by_pixel = np.reshape(small.numpy(found), (2, 8, 8, 3, 3))
    small.assert_close(np.moveaxis(by_pixel, 3, 1), seen, atol=0)


def staged(first):
    """A network of two resolutions."""
    inputs = keras.Input(small.IMAGES)
    x = keras.layers.Conv2D(4, 3, name="conv")(first(inputs))
    x = keras.layers.Conv2D(5, 3)(keras.layers.MaxPooling2D()(x))
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    network = keras.Model(inputs, keras.layers.Dense(4)(x))
    small.scatter(network)
    return network


@pytest.mark.tensorflow
def test_new_heads_of_exits_read_the_networks_features_last():
    options = {"num_classes": 7, "train_examples": 9}
    network = staged(keras.layers.Rescaling(2.0))
    model = create(network, "mimmo", 2, **options)
    last = model.network.get_layer("components").input[-1]
    [features] = keras_internals.made_from(last)
    seen = np.repeat(networks.IMAGES[:, None], 2, axis=1)
    found = keras.Model(model.network.input, features)(seen)
    pooled = network.get_layer("pooled").output
    wanted = keras.Model(network.input, pooled)(networks.IMAGES)
    small.assert_close(found, wanted)
    network = staged(keras.layers.UnitNormalization())
    with pytest.raises(InputError, match="conv, before which channels meet"):
        create(network, "mimmo", 2, **options)


@pytest.mark.tensorflow
def test_dropout_goes_where_it_is_asked_for():
    network = networks.create("resnet")
    for options, count in (({}, 1), ({"everywhere": True}, 5)):
        model = create(network, "mc_dropout", 1, dropout_rate=0.5, **options)
        drops = [
            layer
            for layer in keras_internals.layers_within(model.network)
            if isinstance(layer, mimo_keras.layers.MonteCarloDropout)
        ]
        assert len(drops) == count
    model = create(networks.create("small_cnn"), "mc_dropout", 1)
    drop = model.network.get_layer("drop")
    assert isinstance(drop, mimo_keras.layers.MonteCarloDropout)


@pytest.mark.parametrize(
    "option", [{"bias_regularizer": "l2"}, {"kernel_constraint": "non_neg"}]
)
def test_what_members_cannot_have_is_named(option):
    inputs = keras.Input((6,))
    head = keras.layers.Dense(4, name="top", **option)
    network = keras.Model(inputs, head(keras.layers.Dense(3)(inputs)))
    with pytest.raises(InputError, match=f"layer top with {[*option][0]}"):
        create(network, "mimo")
