"""The likelihood of quantiles: its loss, its intervals, other levels."""

import keras
import numpy as np
import pytest
import sklearn.metrics

from mimo_keras.errors import InputError
from mimo_keras.training.likelihoods import Quantiles
from tests.training import networks
from tests.training.likelihoods.cases import LOGS, TARGETS, WEIGHTS, outputs

LEVELS = (0.1, 0.5, 0.8)
LIKELIHOOD = Quantiles(2, LEVELS)
OUTPUTS = outputs(6)
IMAGES = networks.examples(200).images


def pinball(targets, quantiles):
    """By scikit-learn; targets (n, d), quantiles (n, Q, d)."""
    return np.mean(
        [
            sklearn.metrics.mean_pinball_loss(
                targets.ravel(), quantiles[:, i].ravel(), alpha=level
            )
            for i, level in enumerate(LEVELS)
        ]
    )


def test_members_and_mixture_are_judged_by_the_pinball_loss():
    both = np.stack([TARGETS, TARGETS], 1)
    found = np.array(LIKELIHOOD.member_loss(both, OUTPUTS))
    members = LIKELIHOOD.members(OUTPUTS)
    for e in range(2):
        wanted = pinball(TARGETS, members[:, e])
        assert found[:, e].mean() == pytest.approx(wanted, rel=1e-5)
    score = np.array(LIKELIHOOD.mixture_score(TARGETS, OUTPUTS, LOGS))
    mean = np.einsum("e,beqd->bqd", WEIGHTS, members)
    assert score.mean() == pytest.approx(pinball(TARGETS, mean), rel=1e-5)


def _plain():
    """A network of Keras alone that predicts three quantiles of two numbers."""
    layers, softplus = keras.layers, keras.ops.softplus
    inputs = keras.Input(networks.IMAGE)
    x = layers.Dense(6)(layers.Flatten()(inputs))
    middle, below, above = keras.ops.split(x, 3, axis=-1)
    parts = [middle - softplus(below), middle, middle + softplus(above)]
    return keras.Model(inputs, keras.ops.stack(parts, axis=1))


def _pinball(targets, quantiles):
    gaps = keras.ops.expand_dims(targets, 1) - quantiles
    levels = np.reshape(LEVELS, (1, 3, 1)).astype("float32")
    losses = keras.ops.maximum(levels * gaps, (levels - 1) * gaps)
    return keras.ops.mean(losses, axis=(1, 2))


@pytest.mark.parametrize("weighted", [False, True])
def test_one_member_trains_as_plain_keras(weighted):
    options = {"num_classes": None, "output_dim": 2, "levels": LEVELS}
    model = networks.create(
        "deterministic", 1, likelihood="quantiles", **options
    )
    plain = _plain()
    plain.set_weights(model.get_weights())
    draw, images = np.random.default_rng(1), IMAGES[:20] / np.float32(255)
    given = {"y": draw.normal(size=(20, 2)).astype("float32")}
    given["sample_weight"] = draw.random(20) if weighted else None
    model.compile("sgd", loss_weights=3.0)
    plain.compile("sgd", _pinball, loss_weights=3.0)
    for one in (model, plain):
        one.fit(images, **given, batch_size=8, shuffle=False, verbose=0)
    networks.assert_same_weights(model, plain, rtol=1e-4, atol=1e-6)
    found, wanted = (
        one.evaluate(images, **given, verbose=0, return_dict=True)["loss"]
        for one in (model, plain)
    )
    assert found == pytest.approx(wanted, rel=1e-4)


def test_members_are_the_predictors():
    found = LIKELIHOOD.mixture.predictions(OUTPUTS, np.exp(LOGS))
    np.testing.assert_allclose(
        found["member_quantiles"],
        LIKELIHOOD.members(OUTPUTS),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((0.5, 0.1), "ascending order"),
        ((0.5, 0.5), "ascending order"),
        (0.5, "ascending order"),
        ((0.1, 1.0), "between 0 and 1"),
        ((), "between 0 and 1"),
    ],
)
def test_bad_levels_are_one_line(levels, message):
    with pytest.raises(InputError, match=message):
        Quantiles(1, levels)


@pytest.fixture(scope="module")
def model():
    return networks.create(
        *("mimo", 2),
        backbone="mlp_5",
        num_classes=None,
        output_dim=1,
        likelihood="quantiles",
        levels=LEVELS,
    )


def test_conformal_intervals_cover_targets(model):
    predictor = model.predictor()
    targets = np.random.default_rng(0).normal(0, 2, 200)
    acting = predictor.prediction_sets(IMAGES, targets, coverage=0.8)
    found = acting(IMAGES)
    lower, upper = (np.array(found[k])[:, 0] for k in ("lower", "upper"))
    inside = (lower <= targets) & (targets <= upper)
    assert inside.sum() == 161  # ⌈201 · 0.8⌉.
    margin = np.array(found["quantiles"])[:, 0, 0] - lower
    np.testing.assert_allclose(margin, margin[0], atol=1e-4)
    with pytest.raises(InputError, match="score among quantiles"):
        predictor.prediction_sets(IMAGES, targets, score="residual")


def test_other_levels_are_interpolated(model):
    predictor = model.predictor()
    known = np.array(predictor(IMAGES[:3])["quantiles"])
    found = predictor.quantile([0.1, 0.2, 0.8])(IMAGES[:3])["quantile"]
    wanted = known[:, [0, 0, 2]]
    wanted[:, 1] = 0.75 * known[:, 0] + 0.25 * known[:, 1]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    one = predictor.quantile(0.2)(IMAGES[:3])["quantile"]
    np.testing.assert_array_equal(one, np.array(found)[:, 1])
    with pytest.raises(InputError, match=r"from 0.1 to 0.8.*Received: 0.05"):
        predictor.quantile(0.05)
