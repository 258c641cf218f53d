"""Copies and files of a model compute as the model does."""

import keras
import numpy as np
import pytest

from mimo_keras.training.policies import policy_of, saved_policy
from tests.methods import small

IMAGES = np.random.default_rng(0).random((4, *small.IMAGES), "f")
OPTIONS = {
    "mimo": {"members": 2},
    "mc_dropout": {"dropout_rate": 0.0, "samples": 2},
    "mixture_ensemble": {
        "members": 2,
        "num_params": 1.5,
        "bank_single_layers": True,
    },
}
POLICIES = ["float32", "mixed_bfloat16"]


def answers(model):
    """What a model and its predictors answer."""
    predictors = [model.predictor(), model.predictor(fold=False)]
    found = [model(IMAGES), *(p(IMAGES)["entropy"] for p in predictors)]
    return small.numpy(found)


def create(method, policy):
    keras.config.set_dtype_policy(policy)
    options = {"mean": 0.4, "std": 0.3, **OPTIONS[method]}
    return small.create(method, "small_cnn", **options)


@pytest.mark.parametrize("method", OPTIONS)
@pytest.mark.parametrize("policy", POLICIES)
def test_files_keep_the_policy(method, policy, tmp_path):
    model = create(method, policy)
    wanted = answers(model)
    model.save(tmp_path / "model.keras")
    model.predictor().save(tmp_path / "predictor.keras")
    [other] = {*POLICIES} - {policy}
    keras.config.set_dtype_policy(other)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one, two in (
        *zip(answers(loaded), wanted, strict=True),
        *zip(answers(model), wanted, strict=True),
    ):
        np.testing.assert_array_equal(one, two)
    predictor = keras.saving.load_model(tmp_path / "predictor.keras")
    found = small.numpy(predictor(IMAGES)["entropy"])
    np.testing.assert_array_equal(found, wanted[1])
    assert keras.config.dtype_policy().name == other


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policy_of_an_older_file_is_that_of_its_layers(policy):
    config = create("mimo", policy).get_config()
    assert saved_policy(config).name == policy
    del config["dtype"]
    assert saved_policy(config).name == policy


def test_the_global_policy_returns_after_an_error():
    before = keras.config.dtype_policy()
    with pytest.raises(KeyError), policy_of(keras.DTypePolicy("float64")):
        assert keras.config.dtype_policy().name == "float64"
        raise KeyError
    assert keras.config.dtype_policy() == before
