"""Labels of 0 and 1: Keras's losses and gradients, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.training.likelihoods import Binary, Multilabel
from tests.training import networks
from tests.training.likelihoods.cases import BITS, LOGS, WEIGHTS, outputs

IMAGES = networks.examples(6).images
ONE = np.array([1, 0, 0, 1, 1, 0])
MANY = np.random.default_rng(0).integers(0, 2, (6, 3))
SOFT = np.random.default_rng(1).random((6, 3)).astype("float32")


def test_members_are_judged_by_keras_binary_cross_entropy():
    logits, both = outputs(3), np.stack([BITS, BITS], 1)
    wanted = keras.losses.BinaryCrossentropy(from_logits=True).call(
        both.reshape(6, 3), logits.reshape(6, 3)
    )
    found = Multilabel(3).member_loss(both, logits)
    np.testing.assert_allclose(np.ravel(found), wanted, rtol=1e-5)


def test_a_mixture_is_of_probabilities():
    logits = outputs(3, seed=1)
    members = 1 / (1 + np.exp(-logits.astype("float64")))
    p = np.einsum("e,bek->bk", WEIGHTS, members)
    wanted = -(BITS * np.log(p) + (1 - BITS) * np.log(1 - p)).mean(1)
    found = Multilabel(3).mixture_score(BITS, logits, LOGS)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    sure = Binary().mixture_score(
        np.ones((1, 1), "f"), np.full((1, 2, 1), -300.0, "f"), LOGS
    )
    np.testing.assert_allclose(sure, [300.0], rtol=1e-6)


def deterministic(likelihood, **options):
    return networks.create(
        *("deterministic", 1),
        num_classes=options.pop("num_classes", None),
        likelihood=likelihood,
        **options,
    )


@pytest.mark.parametrize(
    ("likelihood", "classes", "labels"),
    [
        ("binary", 1, ONE),
        ("binary", 1, ONE[:, None].astype("int8")),
        ("binary", 1, ONE.astype("float32")),
        ("binary", 1, ONE.astype(bool)),
        ("binary", 1, SOFT[:, 0]),
        ("multilabel", 3, MANY),
        ("multilabel", 3, MANY.astype("uint8")),
        ("multilabel", 3, SOFT),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_member_trains_as_plain_keras(
    likelihood, classes, labels, weighted
):
    model = deterministic(likelihood, num_classes=classes)
    plain = keras.Sequential(
        [
            keras.Input(networks.IMAGE),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(classes),
        ]
    )
    plain.set_weights(model.network.get_weights())
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    plain.compile(keras.optimizers.SGD(1.0), loss=loss, run_eagerly=True)
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    weights = np.arange(6.0) if weighted else None
    given = labels.reshape(6, -1).astype("float32")
    wanted = plain.train_on_batch(IMAGES, given, sample_weight=weights)
    found = model.train_on_batch(
        IMAGES, labels, sample_weight=weights, return_dict=True
    )
    assert found["loss"] == pytest.approx(float(wanted), rel=1e-5)
    for one, other in zip(
        model.network.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_class_weights_are_those_of_0_and_1():
    model = deterministic("binary")
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    images = {"batch_size": 6, "verbose": 0}
    by_class = model.fit(IMAGES, ONE, class_weight={1: 3.0}, **images)
    by_row = model.fit(IMAGES, ONE, sample_weight=1.0 + 2.0 * ONE, **images)
    assert by_class.history["loss"] == pytest.approx(by_row.history["loss"])


@pytest.mark.parametrize(
    ("likelihood", "labels", "message"),
    [
        (Binary(), np.eye(2), r"\(B,\) or \(B, 1\).*shape=\(2, 2\)"),
        (Binary(), [0, 2], "label=2"),
        (Binary(), [-1, 1], "label=-1"),
        (Binary(), [np.nan, 1], "label=nan"),
        (Binary(), ["no", "yes"], "dtype=<U3"),
        (Multilabel(3), [0, 1], r"\(B, 3\).*shape=\(2,\)"),
        (Multilabel(3), np.eye(2), r"shape=\(2, 2\)"),
        (Multilabel(3), np.full((2, 3), 7), "label=7"),
    ],
)
def test_other_labels_are_refused(likelihood, labels, message):
    with pytest.raises(InputError, match=message):
        likelihood.check_targets(labels)


def test_a_data_set_with_other_labels_is_refused():
    model = deterministic("binary")
    model.compile("sgd")
    data = tf.data.Dataset.from_tensor_slices((IMAGES, ONE + 1)).batch(3)
    with pytest.raises(InputError, match="labels 0 or 1.*label=2"):
        model.fit(data, verbose=0)


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ],
)
def test_a_softmax_of_one_logit_is_refused(loss):
    with pytest.raises(InputError, match="use binary_crossentropy"):
        deterministic("binary").compile("sgd", loss=loss)


def test_keras_own_loss_may_be_named():
    own, named = deterministic("binary"), deterministic("binary")
    own.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    named.compile(
        keras.optimizers.SGD(0.1),
        loss="binary_crossentropy",
        run_eagerly=True,
    )
    one, other = (
        m.train_on_batch(IMAGES, ONE, return_dict=True) for m in (own, named)
    )
    assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)


def test_what_needs_one_class_is_refused():
    predictor = deterministic("binary").predictor()
    for act in (
        predictor.calibrate,
        predictor.prediction_sets,
        lambda *data: predictor.threshold(*data, coverage=0.5),
        predictor.detector,
    ):
        with pytest.raises(InputError, match="num_classes alone, such as 2"):
            act(IMAGES, ONE)


def test_evaluate_counts_each_label():
    model = deterministic("multilabel", num_classes=3)
    found = mimo_keras.evaluate(model, IMAGES, MANY)
    p = np.array(model.predictor()(IMAGES)["probabilities"], "float64")
    right = (p > 0.5) == MANY
    nll = -np.log(np.where(MANY, p, 1 - p)).mean()
    assert found["nll"] == pytest.approx(nll, rel=1e-4)
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["exact_match"] == pytest.approx(right.all(1).mean())
    assert found["brier_per_class"] == pytest.approx(
        np.square(p - MANY).mean(), rel=1e-4
    )
    one = mimo_keras.evaluate(deterministic("binary"), IMAGES, ONE)
    assert "exact_match" not in one and 0 <= one["ece"] <= 1
