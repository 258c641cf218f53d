"""Every method on several named inputs: trained, folded, or refused."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.layers import MonteCarloDropout
from tests.methods import small
from tests.training import dictionaries
from tests.training.dictionaries import SHAPES, create, features

INPUTS, LABELS = dictionaries.examples()


def vectors(inputs):
    flat = keras.layers.Flatten()(inputs["image"])
    flat, ids = (
        keras.layers.Rescaling(1 / 300)(x) for x in (flat, inputs["tokens"])
    )
    x = keras.layers.Concatenate()([flat, inputs["age"], ids])
    return keras.layers.Dense(6, "tanh")(x)


def dropped(inputs):
    return MonteCarloDropout(0.2)(features(inputs))


# Method -> members, backbone, options, whether its predictor is folded.
TAKEN = {
    "deterministic": (1, dictionaries.network, {}, False),
    "naive_multihead": (2, features, {}, False),
    "mimo": (2, features, {}, True),
    "datamux": (2, vectors, {}, True),
    "deep_ensemble": (2, features, {}, True),
    "batch_ensemble": (2, dictionaries.network, {}, False),
    "rank1_bnn": (2, features, {}, False),
    "mc_dropout": (1, dropped, {"samples": 2}, False),
    "treenet": (2, features, {"split": "input"}, False),
}
REFUSED = {
    "mimmo": ({}, "2 stages"),
    "dun": ({}, "2 stages"),
    "early_exit": ({}, "2 stages"),
    "mixmo": ({}, "a backbone by name"),
    "mixshare": ({}, "a backbone by name"),
    "mixture_ensemble": ({}, "a backbone by name"),
    "treenet": ({}, "split"),
}
SINGLE = ("dun", "early_exit")
# JAX compiles each anew: the others build their networks alike.
TENSORFLOW = keras.backend.backend() == "tensorflow"
RUN = TAKEN if TENSORFLOW else ("deterministic", "mimo", "batch_ensemble")


def test_every_method_is_here():
    assert {*TAKEN, *REFUSED} == {*mimo_keras.list_methods()}


@pytest.mark.parametrize("method", RUN)
def test_it_predicts_and_its_predictor_predicts_the_same(method):
    members, backbone, options, folded = TAKEN[method]
    if backbone is dictionaries.network:
        backbone = backbone()
    model = create(method, members, backbone, **options)
    small.scatter_trainable(model.network)
    predictor = model.predictor()
    assert predictor.folded == folded
    assert predictor.input_shapes == model.input_shapes == SHAPES
    outputs = small.numpy(model(INPUTS))
    assert outputs.shape == (12, members * options.get("samples", 1), 3)
    if method in ("mc_dropout", "rank1_bnn"):
        return  # They draw.
    logits = predictor.member_logits(predictor.joined(INPUTS))
    scale = np.abs(outputs).max()
    small.assert_close(logits, outputs, atol=1e-5 * scale)
    # Every input matters.
    for name, values in INPUTS.items():
        other = {**INPUTS, name: values[::-1]}
        assert np.abs(small.numpy(model(other)) - outputs).max() > 1e-4, name


@pytest.mark.parametrize("method", REFUSED)
def test_others_are_refused_in_one_line(method):
    options, message = REFUSED[method]
    with pytest.raises(InputError, match=message) as caught:
        create(method, 1 if method in SINGLE else 2, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("members", [1, 3] if TENSORFLOW else [3])
def test_mimo_joins_each_input_by_itself(members):
    """By hand: a convolution of all members' channels, a sum of tables."""
    model = create("mimo", members, dictionaries.network())
    small.scatter_trainable(model.network)
    parts = {x.name: x for x in model.network.layers}
    kinds = {type(x): x for x in model.network.layers}
    rows = np.random.default_rng(1).integers(0, 12, (5, members))
    seen = {name: INPUTS[name][rows] for name in SHAPES}  # (5, M, …)
    images = np.concatenate(
        [seen["image"][:, m] / 255 for m in range(members)], axis=-1
    ).astype("float32")
    maps = small.numpy(kinds[keras.layers.Conv2D](images))
    flat = small.numpy(keras.layers.MaxPooling2D(3)(images)).reshape(5, -1)
    embedding = kinds[mimo_keras.layers.MemberEmbedding]
    tables = embedding.get_weights()
    words = sum(tables[m][seen["tokens"][:, m]] for m in range(members))
    x = np.concatenate(
        [maps.mean((1, 2)), seen["age"], flat, words.reshape(5, -1)], axis=1
    )
    kernel, bias = kinds[keras.layers.Dense].get_weights()
    wanted = parts["heads"](np.tanh(x @ kernel + bias).astype("float32"))
    joined = model.predictor().joined(INPUTS)
    found = model.network(joined[rows])
    small.assert_close(found, wanted, atol=1e-5 * np.abs(wanted).max())


def standardized(inputs):
    """Its constants are those of one image."""
    standardize = mimo_keras.layers.StandardizeImages((0.5,), (0.2,))
    return keras.layers.Flatten()(standardize(inputs["image"]))


def test_mimo_takes_inputs_that_the_network_leaves_out():
    def image(inputs):
        return keras.layers.Dense(4)(keras.layers.Flatten()(inputs["image"]))

    model = create("mimo", 2, image)
    predictor = model.predictor()
    assert predictor.folded and predictor.input_shapes == SHAPES
    wanted = small.numpy(model(INPUTS))
    others = {name: values[::-1] for name, values in INPUTS.items()}
    others["image"] = INPUTS["image"]
    small.assert_close(model(others), wanted, atol=0)
    found = predictor.member_logits(predictor.joined(others))
    small.assert_close(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_maps_side_by_side_are_folded_behind_flatten():
    def joined(inputs):
        maps = keras.layers.Concatenate()([inputs["image"], inputs["depth"]])
        return keras.layers.Dense(5)(keras.layers.Flatten()(maps))

    model = mimo_keras.create_model(
        "mimo",
        backbone=joined,
        input_shape={"image": (3, 3, 1), "depth": (3, 3, 2)},
        num_classes=4,
        ensemble_size=2,
        input_scale=None,
    )
    small.scatter_trainable(model.network)
    rng = np.random.default_rng(0)
    inputs = {
        "image": rng.random((5, 3, 3, 1), "float32"),
        "depth": rng.random((5, 3, 3, 2), "float32"),
    }
    predictor = model.predictor()
    assert predictor.folded
    found = predictor.member_logits(predictor.joined(inputs))
    small.assert_close(found, model(inputs), atol=1e-5)


def test_a_network_that_cannot_be_joined_is_refused():
    def fixed(inputs):
        x = keras.layers.Reshape((36,))(inputs["image"])
        return keras.layers.Concatenate()([x, inputs["age"], inputs["tokens"]])

    with pytest.raises(InputError, match="2 members") as caught:
        create("mimo", 2, fixed)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="^Expected a mean for each"):
        create("mimo", 2, standardized)
    with pytest.raises(InputError, match="gaussian"):
        create("datamux", 2, vectors, keys="orthogonal")
    with pytest.raises(InputError, match="token ids"):
        create("datamux", 2)
