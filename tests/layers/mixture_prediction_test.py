"""MixturePrediction averages probabilities and adds uncertainties."""

import dataclasses
import math

import hypothesis
import hypothesis.extra.numpy as arrays
import keras
import numpy as np
import pytest
import scipy.special
from hypothesis import strategies as st

from mimo_keras.errors import InputError
from mimo_keras.layers import (
    CategoricalMixture,
    MeanMixture,
    MixturePrediction,
)
from mimo_keras.layers.mixtures import Mixture
from tests.layers.cases import TENSORFLOW


def mixture_prediction(logits, weights):
    """The layer in NumPy and SciPy, in float64."""
    members = scipy.special.softmax(np.asarray(logits, "float64"), axis=-1)
    mixture = np.tensordot(members, weights, axes=(1, 0))
    entropy = scipy.special.entr(mixture).sum(-1)
    within = scipy.special.entr(members).sum(-1) @ np.asarray(weights)
    return {
        "probabilities": mixture,
        "member_probabilities": members,
        "entropy": entropy,
        "mutual_information": entropy - within,
    }


def predict(values, weights, mixture=None):
    layer = MixturePrediction(np.log(weights), mixture)
    outputs = layer(np.asarray(values, "float32"))
    return {k: keras.ops.convert_to_numpy(v) for k, v in outputs.items()}


def assert_all_close(outputs, wanted, atol=1e-6):
    assert outputs.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_allclose(
            outputs[name], wanted[name], rtol=1e-5, atol=atol, err_msg=name
        )


@pytest.mark.parametrize(
    "weights", [[1.0], [0.5, 0.5], [0.7, 0.2, 0.1]], ids=str
)
def test_equals_numpy(weights):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(6, len(weights), 5))
    assert_all_close(
        predict(logits, weights), mixture_prediction(logits, weights)
    )


# JAX compiles again for each shape, so there it is one.
members = st.integers(1, 4) if TENSORFLOW else st.just(3)
classes = st.integers(2, 4) if TENSORFLOW else st.just(4)


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(
    arrays.arrays(
        np.float32,
        st.tuples(st.just(3), members, classes),
        elements={"min_value": -1e4, "max_value": 1e4},
    )
)
def test_any_logits_give_probabilities_and_their_doubt(logits):
    _, members, classes = logits.shape
    weights = np.arange(1, members + 1) / sum(range(1, members + 1))
    outputs = predict(logits, weights)
    assert_all_close(outputs, mixture_prediction(logits, weights), 2e-6)
    np.testing.assert_allclose(outputs["probabilities"].sum(-1), 1, atol=1e-6)
    assert np.all(outputs["mutual_information"] >= 0)
    highest = math.log(min(members, classes))
    assert np.all(outputs["mutual_information"] <= highest + 1e-6)


def test_two_sure_members_that_disagree_share_one_bit():
    outputs = predict([[[1e4, -1e4, 0], [-1e4, 1e4, 0]]], [0.5, 0.5])
    assert outputs["probabilities"].tolist() == [[0.5, 0.5, 0.0]]
    assert outputs["entropy"] == pytest.approx(math.log(2))
    assert outputs["mutual_information"] == pytest.approx(math.log(2))


def test_members_that_agree_share_nothing():
    outputs = predict([[[0, 1, 2], [0, 1, 2]]], [0.25, 0.75])
    assert outputs["mutual_information"] == pytest.approx(0, abs=1e-6)
    assert outputs["entropy"] == pytest.approx(0.832395, abs=1e-6)


def test_weights_need_not_be_uniform():
    outputs = predict([[[1e4, 0], [0, 1e4]]], [0.9, 0.1])
    np.testing.assert_allclose(outputs["probabilities"], [[0.9, 0.1]])


def test_probabilities_are_averaged_and_not_logits():
    outputs = predict([[[math.log(3), 0], [0, 0]]], [0.5, 0.5])
    # The mean of 3/4 and 1/2; averaged logits would give √3 / (1 + √3).
    np.testing.assert_allclose(outputs["probabilities"], [[0.625, 0.375]])


@pytest.mark.parametrize("impossible", [-1e4, -math.inf])
def test_impossible_classes_add_no_doubt(impossible):
    logits = [[[1, impossible, 2], [0, impossible, 0]]]
    outputs = predict(logits, [0.5, 0.5])
    wanted = mixture_prediction(np.delete(logits, 1, axis=-1), [0.5, 0.5])
    for name in ("entropy", "mutual_information"):
        np.testing.assert_allclose(outputs[name], wanted[name], atol=1e-6)
    assert outputs["probabilities"][0, 1] == 0


def test_uncertainty_is_exact_at_the_smallest_probabilities():
    """Devices flush float32 below 1.18e-38 to 0, and log 0 · 0 is a NaN."""
    logits = np.stack([np.zeros(400), -np.linspace(80, 110, 400)], -1)
    outputs = predict(logits[:, None], [1.0])
    assert np.all(np.isfinite(outputs["entropy"]))
    # Some processors' softmax gives 1 - 2⁻²⁴ for 1: tolerate that much.
    np.testing.assert_allclose(outputs["entropy"], 0, atol=1.2e-7)


def test_regression_gives_the_mixtures_moments():
    rng = np.random.default_rng(0)
    means, weights = rng.normal(size=(5, 3, 2)), np.array([0.5, 0.3, 0.2])
    mean = np.einsum("e,bed->bd", weights, means)
    square = np.einsum("e,bed->bd", weights, means**2)
    assert_all_close(
        predict(means, weights, MeanMixture()),
        {
            "mean": mean,
            "member_means": means,
            "member_variance": square - mean**2,
        },
    )


def test_regression_by_hand():
    outputs = predict([[[1.0], [5.0]]], [0.75, 0.25], MeanMixture())
    assert outputs["mean"].tolist() == [[2.0]]
    assert outputs["member_variance"].tolist() == [[3.0]]


def test_bfloat16_logits_are_read_in_float32():
    logits = keras.ops.convert_to_tensor([[[1, 2], [3, 1]]], "bfloat16")
    outputs = MixturePrediction(np.log([0.5, 0.5]), dtype="bfloat16")(logits)
    exact = predict([[[1, 2], [3, 1]]], [0.5, 0.5])
    for name, values in outputs.items():
        assert keras.backend.standardize_dtype(values.dtype) == "float32"
        np.testing.assert_array_equal(values, exact[name])


@dataclasses.dataclass(frozen=True)
class _Largest(Mixture):
    """A user-defined mixture."""

    times: float

    def activated(self, outputs):
        return self.times * outputs

    def predictions(self, outputs, weights):
        mixed = self.mixed(outputs, weights)
        return {"largest": keras.ops.max(mixed, axis=-1)}


def test_a_mixture_of_ones_own():
    """0.25 · 2 · 4 + 0.75 · 2 · 8, by hand."""
    outputs = predict([[[1.0, 4.0], [2.0, 8.0]]], [0.25, 0.75], _Largest(2.0))
    assert outputs["largest"].tolist() == [14.0]


def test_a_name_is_no_mixture():
    with pytest.raises(InputError) as caught:
        MixturePrediction([0.0], "ranking")
    assert str(caught.value) == (
        "Expected a mixture such as layers.MeanMixture(). Received: "
        "mixture='ranking'. Omit it for classification."
    )


def _older_config(task):
    """The config from when the layer had an argument `task`."""
    return {
        "name": "prediction",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "log_weights": [math.log(0.75), math.log(0.25)],
        "task": task,
    }


@pytest.mark.parametrize(
    ("task", "mixture"),
    [("classification", CategoricalMixture()), ("regression", MeanMixture())],
)
def test_older_files_name_a_task(task, mixture):
    layer = keras.saving.deserialize_keras_object(
        {
            "module": "mimo_keras.layers.mixture_prediction",
            "class_name": "MixturePrediction",
            "config": _older_config(task),
            "registered_name": "mimo_keras>MixturePrediction",
            "build_config": {"input_shape": [None, 2, 2]},
        }
    )
    assert (layer.name, layer.mixture) == ("prediction", mixture)
    assert layer.log_weights == [math.log(0.75), math.log(0.25)]
    values = [[[1.0, 2.0], [5.0, 0.0]]]
    wanted = predict(values, [0.75, 0.25], mixture)
    found = layer(np.array(values, "float32"))
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_task_that_no_version_wrote():
    with pytest.raises(InputError) as caught:
        MixturePrediction.from_config(_older_config("ranking"))
    assert str(caught.value) == (
        "Expected a config whose task is one of classification, regression. "
        "Received: task='ranking'. Load a file saved by this library."
    )


@pytest.mark.parametrize(
    "weights",
    [[0.0, 0.0], [], 0.0, [math.nan, 0.0], [1e4, 0.0], ["half", 0.0], None],
)
def test_weights_that_are_no_distribution_are_refused(weights):
    config = MixturePrediction([-math.inf, 0.0]).get_config()
    for make in (
        lambda: MixturePrediction(weights),
        lambda: MixturePrediction.from_config(
            config | {"log_weights": weights}
        ),
    ):
        with pytest.raises(InputError, match="weights sum to 1.*log_weights="):
            make()


def test_each_member_has_a_weight():
    layer = MixturePrediction([0.0])
    for logits in (np.zeros((2, 3, 4)), keras.Input((3, 4)), np.zeros((2, 4))):
        with pytest.raises(InputError, match="outputs of 1 members"):
            layer(logits)
