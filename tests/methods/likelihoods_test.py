"""Every method with every likelihood: one step, the score, a file."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats

import mimo_keras
from tests.methods import small
from tests.methods.tables import METHODS, NEED_MAPS, ON_BACKBONE, SETTINGS

ROWS = 4


def gaussian_nll(model, outputs, targets):
    means, stds = model.likelihood.members(outputs)
    logs = scipy.stats.norm.logpdf(targets[:, None], means, stds).sum(-1)
    weights = np.exp(model.log_weights)
    return -scipy.special.logsumexp(logs, axis=1, b=weights).mean()


def mean_pinball(model, outputs, targets):
    weights, likelihood = np.exp(model.log_weights), model.likelihood
    members = likelihood.members(outputs)
    found = np.einsum("e,beqd->bqd", weights, members)
    levels, gaps = np.array(likelihood.levels), targets[:, None] - found
    levels = levels[:, None]
    return np.maximum(levels * gaps, (levels - 1) * gaps).mean()


def label_nll(model, outputs, targets):
    members = scipy.special.expit(outputs)
    found = np.einsum("e,bek->bk", np.exp(model.log_weights), members)
    own = targets.reshape(found.shape)
    return -(own * np.log(found) + (1 - own) * np.log(1 - found)).mean()


# Name: arguments of create_model, targets, and the score by NumPy.
LIKELIHOODS = {
    "gaussian": (
        {"output_dim": 2, "beta": 0.5},
        np.random.default_rng(0).normal(size=(ROWS, 2)).astype("float32"),
        gaussian_nll,
    ),
    "quantiles": (
        {"output_dim": 2, "levels": (0.1, 0.5, 0.9)},
        np.random.default_rng(0).normal(size=(ROWS, 2)).astype("float32"),
        mean_pinball,
    ),
    "binary": ({}, np.array([0, 1, 1, 0]), label_nll),
    "multilabel": (
        {"num_classes": 3},
        np.random.default_rng(0).integers(0, 2, (ROWS, 3)),
        label_nll,
    ),
}
# Methods with rows, loss weights or layers of their own; the others build
# their heads as one of these does.
ALWAYS = {"batch_ensemble", "early_exit", "mimmo", "mimo", "mixture_ensemble"}


def cases():
    for name in LIKELIHOODS:
        for method in METHODS:
            # All score outputs in the same way; one method each is enough.
            always = ALWAYS if name == "gaussian" else {"mimo"}
            marks = [pytest.mark.matrix] * (method not in always)
            # JAX compiles each operation anew, and computes them all alike.
            marks += [pytest.mark.tensorflow] * (method != "mimo")
            yield pytest.param(name, method, id=f"{name}-{method}", marks=marks)


@pytest.mark.parametrize(("name", "method"), cases())
def test_it_trains_and_predicts(name, method, tmp_path):
    options, targets, score = LIKELIHOODS[name]
    backbone = "small_cnn_1" if method in NEED_MAPS else "mlp_8_8"
    settings = {
        "ensemble_size": 2,
        **{
            {"members": "ensemble_size"}.get(key, key): value
            for key, value in SETTINGS.get(method, {}).items()
        },
        **ON_BACKBONE.get((method, backbone.split("_8")[0]), {}),
    }
    keras.utils.set_random_seed(0)
    model = mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=small.SHAPES[backbone.split("_8")[0].replace("_1", "")],
        likelihood=name,
        seed=0,
        **options,
        **settings,
    )
    images = np.random.default_rng(1).random((ROWS, *model.image_shape), "f")
    model.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
    before = model.get_weights()
    history = model.fit(images, targets, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    moved = zip(model.get_weights(), before, strict=True)
    assert any(np.any(now != then) for now, then in moved)
    logs = model.test_on_batch(images, targets, return_dict=True)
    outputs = small.numpy(model(images)).astype("float64")
    wanted = score(model, outputs, targets)
    assert logs[model.likelihood.score] == pytest.approx(wanted, rel=1e-4)
    predictor = model.predictor()
    small.assert_close(predictor.member_logits(images), outputs, atol=1e-4)
    predictor.save(tmp_path / "predictor.keras")
    loaded = keras.saving.load_model(tmp_path / "predictor.keras")
    small.assert_close(loaded(images), predictor(images), atol=1e-6)
