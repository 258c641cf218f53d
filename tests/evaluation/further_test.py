"""Further measures, by hand and against TensorFlow Probability."""

import numpy as np
import pytest
import tensorflow_probability as tfp

from mimo_keras.evaluation import calibration, further
from tests.prediction.examples import mixture, predicted

LOGITS, LABELS = predicted(300)
PROBABILITIES = mixture(LOGITS)


@pytest.fixture(scope="module")
def found():
    measures = further.Further(4, 10)
    for rows in (slice(0, 100), slice(100, 300)):
        measures.update(PROBABILITIES[rows], LABELS[rows])
    return measures.result()


def test_brier_has_the_parts_of_tfp(found):
    parts = tfp.stats.brier_decomposition(
        LABELS, np.log(PROBABILITIES).astype("float32")
    )
    # TFP leaves out the 1 of (p - 1)². Its resolution (0.25) subtracts the
    # frequency of the predicted class from those of all classes.
    names = ("uncertainty", "reliability")
    np.testing.assert_allclose(
        [found[f"brier_{name}"] for name in names],
        [1 + float(parts[0]), float(parts[2])],
        atol=1e-5,
    )
    predicted = PROBABILITIES.argmax(axis=1)
    frequencies = np.bincount(LABELS) / 300
    resolution = 0.0
    for k in range(4):
        own = LABELS[predicted == k]
        given = np.bincount(own, minlength=4) / len(own)
        resolution += len(own) / 300 * np.square(given - frequencies).sum()
    assert found["brier_resolution"] == pytest.approx(resolution)


def test_classwise_errors_are_those_of_each_class(found):
    errors = []
    for k in range(4):
        places = calibration.bin_of(PROBABILITIES[:, k], 10)
        gaps = PROBABILITIES[:, k] - (k == LABELS)
        errors.append(
            sum(abs(gaps[places == b].sum()) for b in range(10)) / 300
        )
    assert found["classwise_ece"] == pytest.approx(np.mean(errors))


def test_adaptive_bins_by_hand():
    confidence = np.array([0.9, 0.6, 0.8, 0.7])
    correct = np.array([True, False, True, True])
    # Bins {0.6, 0.7} and {0.8, 0.9}.
    wanted = (abs(0.6 + 0.7 - 1) + abs(0.8 + 0.9 - 2)) / 4
    assert further.adaptive_ece(confidence, correct, 2) == pytest.approx(wanted)
    one = further.adaptive_ece(confidence, correct, 1)
    assert one == pytest.approx(abs(confidence.sum() - 3) / 4)
    many = further.adaptive_ece(confidence, correct, 9)
    assert many == pytest.approx((0.6 + 0.3 + 0.2 + 0.1) / 4)


def test_areas_under_risk_by_hand():
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    correct = np.array([True, False, True, False])
    found = further.risk_areas(confidence, correct)
    assert found["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert found["augrc"] == pytest.approx((0 + 1 + 1 + 2) / 4 / 4)
    # Equal confidence: the mean over both orders.
    tied = further.risk_areas(np.array([0.9, 0.9]), np.array([True, False]))
    assert tied["augrc"] == pytest.approx((0.5 + 1) / 2 / 2)
