"""Likelihoods by name, by number of outputs, and of all versions' files."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.methods import KLTerm, Sampling
from mimo_keras.training import EnsembleModel, Predictor, likelihoods
from mimo_keras.training.likelihoods import (
    Binary,
    Categorical,
    Gaussian,
    Mean,
    Multilabel,
    Quantiles,
)
from tests.training import networks
from tests.training.likelihoods.cases import LOGS, OLDEST, every_oldest


@pytest.mark.parametrize(
    ("likelihood", "num_classes", "output_dim", "options", "wanted"),
    [
        (None, 3, None, {}, Categorical(3)),
        (None, None, 2, {}, Mean(2)),
        ("categorical", 3, None, {}, Categorical(3)),
        ("mean", None, 2, {}, Mean(2)),
        ("gaussian", None, 1, {}, Gaussian(1)),
        ("gaussian", None, 1, {"beta": 0.5}, Gaussian(1, beta=0.5)),
        ("quantiles", None, 1, {"levels": [0.2]}, Quantiles(1, (0.2,))),
        *(("binary", n, None, {}, Binary()) for n in (None, 1, 2)),
        ("multilabel", 4, None, {}, Multilabel(4)),
        (Gaussian(2, floor=0.1), None, None, {}, Gaussian(2, floor=0.1)),
        (Gaussian(2), None, 2, {}, Gaussian(2)),
        (Categorical(3), 3, None, {}, Categorical(3)),
    ],
)
def test_it_is_the_one_asked_for(
    likelihood, num_classes, output_dim, options, wanted
):
    found, others = likelihoods.chosen(
        likelihood, num_classes, output_dim, {**options, "keys": "conv"}
    )
    assert found == wanted
    assert others == {"keys": "conv"}


@pytest.mark.parametrize(
    ("likelihood", "num_classes", "output_dim", "message"),
    [
        ("normal", None, 1, "among categorical, binary, .*'normal'"),
        ("binary", 3, None, "num_classes=2, as in .*num_classes=3"),
        ("binary", None, 1, "output_dim=1"),
        ("multilabel", 0, None, "num_classes=0"),
        (3, None, 1, "likelihood=3"),
        ("gaussian", 3, None, "output_dim alone for likelihood='gaussian'"),
        ("gaussian", 3, 1, "num_classes=3, output_dim=1"),
        ("gaussian", None, None, "output_dim alone"),
        ("categorical", None, 1, "num_classes alone"),
        ("gaussian", None, 0, "output_dim=0"),
        ("gaussian", None, True, "output_dim=True"),
        (Gaussian(2), None, 1, "output_dim=2, as in .*output_dim=1"),
        (Gaussian(2), 3, None, "num_classes=3"),
    ],
)
def test_others_are_refused(likelihood, num_classes, output_dim, message):
    with pytest.raises(InputError, match=message):
        likelihoods.chosen(likelihood, num_classes, output_dim, {})


def test_create_model_takes_it_and_its_options():
    model = networks.create(
        num_classes=None, output_dim=1, likelihood="gaussian", beta=1
    )
    assert model.likelihood == Gaussian(1, beta=1.0)
    assert (model.network.output_shape[-1], model.output_dim) == (2, 1)
    with pytest.raises(InputError, match="beta=1"):
        networks.create(num_classes=None, output_dim=1, beta=1)


def test_numbers_of_outputs_are_pythons_own():
    for made in (
        likelihoods.of_outputs(np.int64(3)),
        likelihoods.of_outputs(None, np.int64(2)),
    ):
        assert type(made.outputs) is int
        assert made in OLDEST


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
