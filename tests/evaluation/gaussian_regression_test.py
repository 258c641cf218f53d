"""Measures of predicted distributions: NumPy twins, and cases by hand."""

import numpy as np
import pytest
import scipy.stats

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.evaluation import GaussianRegression, normal_mixtures
from tests.training import networks

DRAW = np.random.default_rng(0)
MEANS = DRAW.normal(size=(40, 3, 2))
STDS = DRAW.uniform(0.5, 2, (40, 3, 2))
TARGETS = DRAW.normal(size=(40, 2))
WEIGHTS = np.array([0.5, 0.3, 0.2])


def evaluated(cuts=()):
    metrics = GaussianRegression(np.log(WEIGHTS))
    parts = (np.split(x, cuts) for x in (MEANS, STDS, TARGETS))
    for part in zip(*parts, strict=True):
        metrics.update(*part)
    return metrics


def test_it_is_what_its_definition_says():
    found = evaluated().result()
    own = scipy.stats.norm.logpdf(TARGETS[:, None], MEANS, STDS).sum(-1)
    mean = np.einsum("e,bed->bd", WEIGHTS, MEANS)
    spread = np.square(MEANS - mean[:, None])
    epistemic = np.einsum("e,bed->bd", WEIGHTS, spread)
    aleatoric = np.einsum("e,bed->bd", WEIGHTS, STDS**2)
    last = (np.moveaxis(x, 1, -1) for x in (MEANS, STDS))
    mixture = (*last, WEIGHTS)
    lower, upper = (normal_mixtures.quantile(q, *mixture) for q in (0.05, 0.95))
    inside = (lower <= TARGETS) & (upper >= TARGETS)
    wanted = {
        "nll": -np.log(np.exp(own) @ WEIGHTS).mean(),
        "crps": normal_mixtures.crps(TARGETS, *mixture).mean(),
        "mse": np.square(mean - TARGETS).mean(),
        "nll_member_1": -own[:, 1].mean(),
        "member_variance": epistemic.mean(),
        "aleatoric_variance": aleatoric.mean(),
        "sharpness": np.sqrt(epistemic + aleatoric).mean(),
        "coverage_90": inside.mean(),
        "width_90": (upper - lower).mean(),
    }
    for name, value in wanted.items():
        assert type(found[name]) is float
        assert found[name] == pytest.approx(value), name


def test_all_names():
    assert set(evaluated().result()) == {
        *("nll", "crps", "mse", "rmse", "member_variance"),
        *("aleatoric_variance", "sharpness", "calibration_error", "kl"),
        *(f"{x}_member_{e}" for x in ("nll", "mse") for e in range(3)),
        *(f"{x}_{c}" for x in ("coverage", "width") for c in (50, 80, 90, 95)),
    }


def test_any_split_into_batches_gives_the_same():
    parts = evaluated([0, 7, 8, 40])
    assert parts.result() == pytest.approx(evaluated().result(), rel=1e-12)


def test_members_apart_by_hand():
    """KL of N(0, 1) to N(2, 2²) is log 2 + 5/8 - 1/2, and back -log 2 + 3.5."""
    metrics = GaussianRegression(np.log([0.5, 0.5]))
    metrics.update([[[0.0], [2.0]]], [[[1.0], [2.0]]], [0.0])
    assert metrics.result()["kl"] == pytest.approx((0.125 + 3.5) / 2)


def test_targets_drawn_from_the_prediction_are_calibrated():
    count = 20_000
    draw = np.random.default_rng(1)
    means, stds = draw.normal(size=(count, 2, 1)), np.ones((count, 2, 1))
    member = draw.integers(0, 2, count)
    targets = means[np.arange(count), member, 0] + draw.normal(size=count)
    metrics = GaussianRegression(np.log([0.5, 0.5]))
    metrics.update(means, stds, targets)
    found = metrics.result()
    assert found["calibration_error"] < 0.01
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.01)
    np.testing.assert_allclose(metrics.pit_histogram(), 0.1, atol=0.01)
    narrow = GaussianRegression(np.log([0.5, 0.5]))
    narrow.update(means, stds / 10, targets)
    assert narrow.result()["calibration_error"] > 0.05
    assert narrow.pit_histogram()[[0, -1]].min() > 0.2


def test_calibration_by_hand():
    """F is 1/2, 1/2 and nearly 1."""
    metrics = GaussianRegression([0.0])
    metrics.update(np.zeros((3, 1, 1)), np.ones((3, 1, 1)), [0.0, 0.0, 9.0])
    found = metrics.calibration([0.25, 0.5, 0.75])
    np.testing.assert_allclose(found.observed, [0, 2 / 3, 2 / 3])
    assert found.error == pytest.approx((0.25 + 1 / 6 + 1 / 12) / 3)


@pytest.mark.parametrize(
    ("stds", "message"),
    [
        (STDS[:, :2], r"stds.shape=\(40, 2, 2\)"),
        (STDS * 0, "standard deviations above 0"),
        (STDS * np.nan, "finite stds"),
    ],
)
def test_bad_deviations_are_one_line(stds, message):
    with pytest.raises(InputError, match=message):
        GaussianRegression(np.log(WEIGHTS)).update(MEANS, stds, TARGETS)


def test_evaluate_returns_it():
    model = networks.create(
        *("mimo", 2), num_classes=None, output_dim=1, likelihood="gaussian"
    )
    images = networks.examples(30).images
    targets = DRAW.normal(size=30)
    found = mimo_keras.evaluate(model, images, targets)
    predicted = model.predictor()(images)
    metrics = GaussianRegression(model.log_weights)
    metrics.update(predicted["member_means"], predicted["member_stds"], targets)
    assert found == pytest.approx(metrics.result(), rel=1e-3)
