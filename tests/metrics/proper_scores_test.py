"""Brier score and log-likelihood: by hand, and the evaluation's."""

import numpy as np
import pytest

from mimo_keras.metrics import BrierScore, NegativeLogLikelihood
from tests.prediction.examples import mixture, predicted

LOGITS, LABELS = predicted(300)
P = mixture(LOGITS).astype("float32")


def of(metric, labels, predictions, weights=None):
    metric.update_state(labels, predictions, weights)
    return float(metric.result())


def test_values_by_hand():
    p = [[0.25, 0.75], [0.5, 0.5]]
    assert of(BrierScore(), [1, 0], p) == pytest.approx((0.125 + 0.5) / 2)
    assert of(BrierScore(), [1, 0], p, [3, 1]) == pytest.approx(0.875 / 4)
    wanted = (np.log(4 / 3) + np.log(2)) / 2
    assert of(NegativeLogLikelihood(), [1, 0], p) == pytest.approx(wanted)
    # Soft labels: the cross-entropy.
    soft = of(NegativeLogLikelihood(), [[0.5, 0.5]], [[0.25, 0.75]])
    assert soft == pytest.approx((np.log(4) + np.log(4 / 3)) / 2)


def test_they_are_the_evaluations():
    one_hot = np.eye(4)[LABELS]
    brier = np.square(mixture(LOGITS) - one_hot).sum(axis=1).mean()
    assert of(BrierScore(), LABELS, P) == pytest.approx(brier, rel=1e-5)
    nll = -np.log(mixture(LOGITS)[np.arange(300), LABELS]).mean()
    found = of(NegativeLogLikelihood(), LABELS, P)
    assert found == pytest.approx(nll, rel=1e-5)


def test_small_probabilities_are_not_clipped():
    found = of(NegativeLogLikelihood(), [0], [[1e-30, 1.0]])
    assert found == pytest.approx(30 * np.log(10))
    metric = NegativeLogLikelihood(from_logits=True)
    assert of(metric, [0], [[-200.0, 0.0]]) == pytest.approx(200)
    metric = NegativeLogLikelihood(from_logits=True)
    assert of(metric, [1], [[-np.inf, 0.0]]) == 0
