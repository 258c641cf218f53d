"""Losses by name, function and class: with one member, as in plain Keras."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.training.given_losses import per_member
from mimo_keras.training.likelihoods import Categorical, Mean
from tests.training import twins

THREE = Categorical(3)
DRAW = np.random.default_rng(0)
LOGITS = DRAW.normal(0, 2, (5, 2, 3)).astype("float32")
LABELS = DRAW.integers(0, 3, (5, 2))
HOT = np.eye(3, dtype="float32")[LABELS]
SOFT = (0.7 * HOT + 0.1).astype("float32")
PROBABILITIES = twins.softmax(LOGITS)


def brier(targets, probabilities):
    return keras.ops.sum(keras.ops.square(targets - probabilities), axis=-1)


@keras.saving.register_keras_serializable("tests")
class _Picked(keras.losses.Loss):
    """Minus the logit of the label, from integer labels and logits."""

    def call(self, labels, logits):
        return -keras.ops.sum(keras.ops.one_hot(labels, 3) * logits, axis=-1)


def _minus_picked(labels, logits):
    assert keras.backend.standardize_dtype(labels.dtype) == "float32"
    return -keras.ops.sum(
        keras.ops.one_hot(keras.ops.cast(labels, "int32"), 3) * logits, axis=-1
    )


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("sparse_categorical_crossentropy", LABELS),
        ("SparseCategoricalCrossentropy", LABELS),
        (keras.losses.sparse_categorical_crossentropy, LABELS),
        (keras.losses.SparseCategoricalCrossentropy(), LABELS),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), LABELS),
        (["sparse_categorical_crossentropy"], LABELS),
        ("categorical_crossentropy", HOT),
        ("categorical_crossentropy", SOFT),
        ("crossentropy", LABELS),
        ("ce", HOT),
        (keras.losses.CategoricalCrossentropy(from_logits=True), SOFT),
        (None, LABELS),
        (None, SOFT),
    ],
)
def test_cross_entropies_are_those_of_the_softmax(loss, targets):
    found = per_member(loss, THREE)(targets, LOGITS)
    probabilities = np.eye(3)[targets] if targets.ndim == 2 else targets
    wanted = -(probabilities * np.log(PROBABILITIES)).sum(axis=-1)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_a_generalized_cross_entropy_is_of_class_indices():
    loss = keras.losses.CategoricalGeneralizedCrossEntropy(q=0.5)
    found = per_member(loss, THREE)(LABELS, LOGITS)
    picked = np.take_along_axis(PROBABILITIES, LABELS[..., None], -1)[..., 0]
    np.testing.assert_allclose(found, (1 - picked**0.5) / 0.5, rtol=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        "kl_divergence",
        "binary_crossentropy",
        keras.losses.BinaryCrossentropy(),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.3),
        keras.losses.CategoricalFocalCrossentropy(gamma=1.0),
        keras.losses.Huber(0.2),
        keras.losses.cosine_similarity,
    ],
)
def test_losses_of_keras_see_probabilities_as_there(loss):
    """Row by row, they equal Keras's own on a softmax output."""
    found = per_member(loss, THREE)(SOFT, LOGITS)
    plain = keras.losses.get(loss)
    plain = getattr(plain, "call", plain)
    wanted = plain(SOFT.reshape(-1, 3), PROBABILITIES.reshape(-1, 3))
    np.testing.assert_allclose(
        np.ravel(found), wanted, rtol=1e-4, atol=1e-6, err_msg=str(loss)
    )


def test_one_that_takes_logits_sees_logits():
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    found = per_member(loss, THREE)(HOT, LOGITS)
    sigmoid = 1 / (1 + np.exp(-LOGITS.astype("float64")))
    wanted = -np.log(np.where(HOT == 1, sigmoid, 1 - sigmoid)).mean(axis=-1)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


@pytest.mark.parametrize("loss", [_Picked(), _minus_picked])
def test_ones_own_see_the_outputs_of_a_row(loss):
    found = per_member(loss, THREE)(LABELS, LOGITS)
    wanted = -np.take_along_axis(LOGITS, LABELS[..., None], -1)[..., 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("loss", [None, "mae"])
def test_regression(loss):
    targets = DRAW.normal(size=(5, 2, 3)).astype("float32")
    found = per_member(loss, Mean(3))(targets, LOGITS)
    errors = LOGITS - targets
    wanted = np.abs(errors) if loss else np.square(errors)
    np.testing.assert_allclose(found, wanted.mean(axis=-1), rtol=1e-5)


@pytest.mark.parametrize("weights", [2.5, [2.5], (2.5,)])
@pytest.mark.parametrize("loss", [None, "sparse_categorical_crossentropy"])
def test_loss_weights_are_the_losses_factor(loss, weights):
    found = per_member(loss, THREE, weights)(LABELS, LOGITS)
    wanted = 2.5 * np.asarray(per_member(loss, THREE)(LABELS, LOGITS))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("likelihood", [THREE, Mean(2)])
def test_the_default_is_the_likelihoods_own(likelihood):
    assert per_member(None, likelihood) == likelihood.member_loss


def _refusal(call):
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "loss",
    ["crosentropy", 3, {"logits": "mse"}, ["mse", "mae"], keras.losses.Huber],
)
def test_what_is_no_loss_is_refused(loss):
    assert _refusal(lambda: per_member(loss, THREE)).startswith(
        "Expected loss to be None, the name of a Keras loss, a function or a "
        f"keras.losses.Loss. Received: loss={loss!r}. "
    )


@pytest.mark.parametrize("reduction", ["sum", None, "mean_with_sample_weight"])
def test_other_reductions_are_refused(reduction):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    message = _refusal(lambda: per_member(loss, THREE))
    assert 'Expected a loss with reduction="sum_over_batch_size". ' in message


@pytest.mark.parametrize(
    "weights", [[1.0, 2.0], {"logits": 1.0}, "1", [], [None], True]
)
def test_other_loss_weights_are_refused(weights):
    message = _refusal(lambda: per_member(None, THREE, weights))
    assert f"Received: loss_weights={weights!r}. " in message


def test_labels_of_another_kind_are_refused():
    loss = per_member("categorical_crossentropy", THREE)
    message = _refusal(lambda: loss(LABELS, LOGITS))
    assert message.startswith(
        "Expected a loss for targets of shape (N,) and outputs of shape (N, 3)."
        " Received: loss=categorical_crossentropy, which raised: "
    )


def test_a_softmax_of_numbers_is_refused():
    with pytest.raises(InputError, match="a loss of numbers") as caught:
        per_member("categorical_crossentropy", Mean(2))
    assert "likelihood=Mean(output_dim=2)" in str(caught.value)
    per_member(keras.losses.CategoricalCrossentropy(from_logits=True), Mean(2))


def test_a_loss_that_averages_over_rows_is_refused():
    def whole(targets, outputs):
        return keras.ops.mean(outputs)

    message = _refusal(lambda: per_member(whole, THREE)(LABELS, LOGITS))
    assert "Received: loss=whole with values of shape (). " in message
