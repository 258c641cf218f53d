"""Likelihoods against NumPy twins and by hand; configs of all versions."""

import json

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import CategoricalMixture, MeanMixture, mixtures
from mimo_keras.methods import KLTerm, Sampling
from mimo_keras.training import EnsembleModel, Predictor, likelihoods
from mimo_keras.training.likelihoods import Categorical, Mean
from tests.training import networks, twins

WEIGHTS = np.array([0.75, 0.25])
LOGS = np.log(WEIGHTS).astype("float32")
# Add yours here; older files know only those that came first.
LIKELIHOODS = OLDEST = [Categorical(3), Mean(2)]
LABELS = np.array([[0, 2], [1, 1], [2, 0]])
TARGETS = np.array([[1.0, 2.0], [0.0, -1.0], [4.0, 0.5]], "float32")

every_likelihood, every_oldest = (
    pytest.mark.parametrize("likelihood", each, ids=lambda x: type(x).__name__)
    for each in (LIKELIHOODS, OLDEST)
)


def _outputs(size, seed=0):
    """Three rows of two members."""
    draw = np.random.default_rng(seed)
    return draw.normal(0, 3, (3, 2, size)).astype("float32")


def test_members_of_classes_are_judged_by_cross_entropy():
    logits = _outputs(3)
    np.testing.assert_allclose(
        Categorical(3).member_loss(LABELS, logits),
        twins.cross_entropy(LABELS, logits),
        rtol=1e-5,
    )


def test_a_mixture_of_classes_is_judged_by_its_nll():
    logits = _outputs(3, seed=1)
    np.testing.assert_allclose(
        Categorical(3).mixture_score(LABELS[:, 0], logits, LOGS),
        twins.mixture_nll(LABELS[:, 0], logits, WEIGHTS),
        rtol=1e-5,
    )


def test_classes_by_hand():
    """Of 1/4 and 3/4 for the label: -log 1/4, -log 3/4, -log 3/8."""
    logits = np.log([[[0.25, 0.75], [0.75, 0.25]]]).astype("float32")
    found = Categorical(2).member_loss(np.array([[0, 0]]), logits)
    np.testing.assert_allclose(found, [[np.log(4), np.log(4 / 3)]], rtol=1e-5)
    mixture = Categorical(2).mixture_score(np.array([0]), logits, LOGS)
    np.testing.assert_allclose(mixture, [np.log(8 / 3)], rtol=1e-5)


def test_members_of_means_are_judged_by_squared_error():
    means = _outputs(2)
    np.testing.assert_allclose(
        Mean(2).member_loss(np.stack([TARGETS, TARGETS], 1), means),
        np.square(means - TARGETS[:, None]).mean(-1),
        rtol=1e-5,
    )


def test_means_by_hand():
    """Means 4 and 0 of a target 1; together 3 at weights 3/4 and 1/4."""
    means = np.array([[[4.0], [0.0]]], "float32")
    targets = np.array([[[1.0], [1.0]]], "float32")
    assert np.array(Mean(1).member_loss(targets, means)).tolist() == [[9, 1]]
    mixture = Mean(1).mixture_score(targets[:, 0], means, LOGS)
    np.testing.assert_allclose(mixture, [4.0], rtol=1e-6)


@every_likelihood
def test_a_mixture_of_one_is_its_member(likelihood):
    outputs = _outputs(likelihood.outputs)[:, :1]
    targets = {3: LABELS[:, 0], 2: TARGETS}[likelihood.outputs]
    np.testing.assert_allclose(
        likelihood.mixture_score(targets, outputs, np.zeros(1, "float32")),
        np.array(likelihood.member_loss(targets[:, None], outputs))[:, 0],
        rtol=1e-5,
        atol=1e-6,
    )


def test_what_a_head_gives_and_metrics_see():
    assert [x.outputs for x in LIKELIHOODS] == [3, 2]
    assert [x.num_classes for x in LIKELIHOODS] == [3, None]
    assert [x.task for x in LIKELIHOODS] == ["classification", "regression"]
    assert [x.default_metrics() for x in LIKELIHOODS] == [["accuracy"], None]
    mixed = [CategoricalMixture(), MeanMixture()]
    assert [x.mixture for x in LIKELIHOODS] == mixed
    seen = [[(t.shape, t.dtype) for t in x.specs()] for x in LIKELIHOODS]
    assert seen == [
        [((None,), "int32"), ((None, 3), "float32")],
        [((None, 2), "float32"), ((None, 2), "float32")],
    ]


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


def test_numbers_of_outputs_are_pythons_own():
    for made in (
        likelihoods.of_outputs(np.int64(3)),
        likelihoods.of_outputs(None, np.int64(2)),
    ):
        assert type(made.outputs) is int
        assert made in LIKELIHOODS


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
    made = networks.create(num_classes=None, output_dim=likelihood.outputs)
    model = EnsembleModel(
        made.network, made.sampling, made.log_weights, likelihood
    )
    copy = EnsembleModel.from_config(model.get_config())
    predictor = Predictor.from_config(model.predictor().get_config())
    assert copy.likelihood == predictor.likelihood == likelihood
    assert predictor.prediction.mixture == likelihood.mixture


def _older_network(outputs):
    x = keras.Input((2, 2))
    heads = keras.layers.Dense(outputs)(x)
    return keras.saving.serialize_keras_object(keras.Model(x, heads))


@every_oldest
def test_older_models_name_the_number_of_classes(likelihood):
    """The config from before there were likelihoods."""
    model = EnsembleModel.from_config(
        {
            "name": "naive_multihead",
            "network": _older_network(likelihood.outputs),
            "sampling": {
                "members": 0,
                "batch_repetitions": 1,
                "input_repetition_probability": 0.0,
                "shuffle_group": 0,
            },
            "log_weights": [-0.6931471805599453, -0.6931471805599453],
            "num_classes": likelihood.num_classes,
            "mean": 0.0,
            "std": 1.0,
            "seed": 11,
            "samples": 1,
            "kl_term": {"weight": 1.0, "annealing_examples": 0},
        }
    )
    assert (model.likelihood, model.task) == (likelihood, likelihood.task)
    assert (model.sampling, model.kl_term) == (Sampling(), KLTerm())


@every_oldest
def test_older_predictors_name_a_task(likelihood):
    predictor = Predictor.from_config(
        {
            "name": "predictor",
            "network": _older_network(likelihood.outputs),
            "log_weights": [float(x) for x in LOGS],
            "task": likelihood.task,
            "mean": 0.0,
            "std": 1.0,
            "folded": True,
        }
    )
    assert predictor.likelihood == likelihood
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
