"""Measures of predicted quantiles, by hand, and as evaluate returns them."""

import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.evaluation import QuantileRegression
from tests.training import networks


def test_by_hand():
    """Members' quantiles 0, 2 and 2, 4 at levels 1/4 and 3/4: 1 and 3."""
    metrics = QuantileRegression(np.log([0.5, 0.5]), [0.25, 0.75])
    quantiles = np.array([[[[0.0], [2.0]], [[2.0], [4.0]]]])
    metrics.update(quantiles, [2.0])
    metrics.update(quantiles, [[5.0]])
    # Of 2: 1/4 · 1 and 1/4 · 1; of 5: 1/4 · 4 and 3/4 · 2.
    wanted = {
        "pinball": (0.25 + 1.25) / 2,
        "pinball_member_0": (0.25 + (5 / 4 + 9 / 4) / 2) / 2,
        "pinball_member_1": (0.25 + (3 / 4 + 3 / 4) / 2) / 2,
        "mae": (1 + 2) / 2,
        "coverage_50": 0.5,
        "width_50": 2.0,
        "calibration_error": (0.25 + 0.25) / 2,
    }
    assert metrics.result() == pytest.approx(wanted)


def test_bad_input_is_one_line():
    metrics = QuantileRegression([0.0], [0.5])
    for quantiles, targets in (
        (np.zeros((3, 1, 2, 1)), np.zeros(3)),
        (np.zeros((3, 1, 1, 1)), np.zeros(2)),
        (np.full((3, 1, 1, 1), np.nan), np.zeros(3)),
    ):
        with pytest.raises(InputError):
            metrics.update(quantiles, targets)


def test_evaluate_returns_it():
    model = networks.create(
        *("mimo", 2), num_classes=None, output_dim=1, likelihood="quantiles"
    )
    images = networks.examples(30).images
    targets = np.random.default_rng(0).normal(size=30)
    found = mimo_keras.evaluate(model, images, targets)
    predicted = model.predictor()(images)["member_quantiles"]
    levels = model.likelihood.levels
    metrics = QuantileRegression(model.log_weights, levels)
    metrics.update(predicted, targets)
    assert found == pytest.approx(metrics.result(), rel=1e-3)
    assert "coverage_90" in found
