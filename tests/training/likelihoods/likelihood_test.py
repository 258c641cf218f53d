"""What every likelihood does."""

import json

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import (
    BernoulliMixture,
    CategoricalMixture,
    GaussianMixture,
    MeanMixture,
    QuantileMixture,
    mixtures,
)
from mimo_keras.training import EnsembleModel, Predictor
from mimo_keras.training.likelihoods import (
    Binary,
    Categorical,
    Gaussian,
    Mean,
    Multilabel,
    Quantiles,
    quantiles,
)
from tests.training import networks
from tests.training.likelihoods import cases
from tests.training.likelihoods.cases import TARGETS_OF, every_likelihood


@every_likelihood
def test_a_mixture_of_one_is_its_member(likelihood):
    outputs = cases.outputs(likelihood.outputs)[:, :1]
    targets = TARGETS_OF[likelihood]
    np.testing.assert_allclose(
        likelihood.mixture_score(targets, outputs, np.zeros(1, "float32")),
        np.array(likelihood.member_score(targets[:, None], outputs))[:, 0],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("likelihood", "outputs", "classes", "metrics", "mixture", "target"),
    [
        (
            *(Categorical(3), 3, 3, ["accuracy"], CategoricalMixture()),
            ((None,), "int32"),
        ),
        (Mean(2), 2, None, None, MeanMixture(), ((None, 2), "float32")),
        (
            *(Binary(), 1, 2, ["accuracy"], BernoulliMixture()),
            ((None, 1), "float32"),
        ),
        (
            *(Multilabel(3), 3, 3, ["binary_accuracy"], BernoulliMixture()),
            ((None, 3), "float32"),
        ),
        (
            *(Quantiles(2), 10, None, None, QuantileMixture(quantiles.LEVELS)),
            ((None, 2), "float32"),
        ),
        (
            *(Gaussian(2, floor=0.5), 4, None, None, GaussianMixture(0.5)),
            ((None, 2), "float32"),
        ),
    ],
)
def test_what_a_head_gives_and_metrics_see(
    likelihood, outputs, classes, metrics, mixture, target
):
    assert likelihood.outputs == outputs
    assert likelihood.num_classes == classes
    is_class = likelihood.task == "classification"
    assert is_class == (classes is not None)
    assert likelihood.default_metrics() == metrics
    assert likelihood.mixture == mixture
    seen, predicted = likelihood.specs()
    assert (seen.shape, seen.dtype) == target
    given = np.zeros((4, outputs), "float32")
    assert predicted.shape[1:] == mixture.activated(given).shape[1:]


@pytest.mark.parametrize(
    ("likelihood", "given", "wanted"),
    [
        (Categorical(3), [[2], [0]], [2, 0]),
        (Categorical(3), [2, 0], [2, 0]),
        (Mean(1), [2.0, 0.5], [[2.0], [0.5]]),
        (Mean(2), [[2.0, 0.5]], [[2.0, 0.5]]),
    ],
)
def test_targets_have_one_shape_in_a_step(likelihood, given, wanted):
    found = keras.ops.convert_to_numpy(likelihood.targets(np.array(given)))
    assert found.tolist() == wanted
    likelihood.check_targets(given)


@pytest.mark.parametrize(
    ("likelihood", "targets", "received"),
    [
        (Categorical(3), np.eye(4), "shape=(4, 4)"),
        (Mean(2), np.zeros((4, 3)), "shape=(4, 3)"),
    ],
)
def test_targets_of_another_shape(likelihood, targets, received):
    for check in (likelihood.targets, likelihood.check_targets):
        with pytest.raises(InputError) as caught:
            check(targets)
        assert f"Received: {received}. " in str(caught.value)
    with pytest.raises(InputError):
        likelihood.check_shape(targets.shape)


@pytest.mark.parametrize(
    ("likelihood", "targets", "received"),
    [
        (Categorical(3), [0, 3], "label=3 at index 1"),
        (Mean(1), [0.0, np.nan], "NaN or infinity in 1 targets"),
    ],
)
def test_targets_of_other_values(likelihood, targets, received):
    with pytest.raises(InputError, match=received):
        likelihood.check_targets(targets)


@every_likelihood
def test_keras_saves_it(likelihood):
    config = keras.saving.serialize_keras_object(likelihood)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert again == likelihood
    name = f"mimo_keras>{type(likelihood).__name__}"
    assert config["registered_name"] == name


@every_likelihood
def test_a_saved_model_and_predictor_say_it(likelihood):
    model = networks.create(num_classes=None, likelihood=likelihood)
    copy = EnsembleModel.from_config(model.get_config())
    predictor = Predictor.from_config(model.predictor().get_config())
    assert copy.likelihood == predictor.likelihood == likelihood
    assert predictor.prediction.mixture == likelihood.mixture


class _Doubled(mixtures.Mixture):
    """Predicts twice the heads' outputs."""

    def activated(self, outputs):
        return 2.0 * outputs

    def predictions(self, outputs, weights):
        return {"twice": self.mixed(outputs, weights)}


class _Absolute(Mean):
    """A likelihood that is defined outside the library."""

    mixture = _Doubled()

    def member_loss(self, targets, outputs):
        return keras.ops.mean(keras.ops.abs(outputs - targets), axis=-1)

    score = "sevens"

    def mixture_score(self, targets, outputs, log_weights):
        return keras.ops.full_like(targets[:, 0], 7.0)

    def default_metrics(self):
        return ["mae"]


def test_a_model_depends_only_on_its_likelihood():
    """Loss, metrics, score and predictor of a class defined here."""
    made = networks.create("naive_multihead", num_classes=None, output_dim=1)
    model = EnsembleModel(
        made.network, made.sampling, made.log_weights, _Absolute(1)
    )
    model.compile(keras.optimizers.SGD(0.0))
    images = networks.examples(4).images
    targets = np.arange(4.0, dtype="float32")
    outputs = np.array(model(images))[..., 0]
    logs = model.evaluate(images, targets, verbose=0, return_dict=True)
    errors = np.abs(outputs - targets[:, None])
    wanted = {
        "loss": errors.sum(axis=1).mean(),
        "mae": np.abs(2 * outputs.mean(axis=1) - targets).mean(),
        "sevens": 7.0,
    }
    assert logs.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-5)
    found = model.predictor()(images)
    assert found.keys() == {"twice"}
    np.testing.assert_allclose(
        found["twice"][:, 0], 2 * outputs.mean(axis=1), rtol=1e-5, atol=1e-6
    )
