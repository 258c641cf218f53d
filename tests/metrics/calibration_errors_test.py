"""Calibration errors: by hand, the evaluation's, compiled."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.evaluation import calibration, further
from mimo_keras.evaluation.classification import Classification
from mimo_keras.metrics import (
    AdaptiveCalibrationError,
    ClasswiseCalibrationError,
    ExpectedCalibrationError,
)
from tests.prediction.examples import WEIGHTS, mixture, predicted

LOGITS, LABELS = predicted(3000)
P = mixture(LOGITS)


def of(metric, labels=LABELS, predictions=P, weights=None):
    metric.update_state(labels, predictions.astype("float32"), weights)
    return float(metric.result())


def test_expected_error_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.0, 1.0]])
    labels = [0, 1, 1, 1]
    # Bins [0.5, 0.75) and [0.75, 1]: 0.6 - 1, and 0.9 + 0.8 + 1 - 2.
    found = of(ExpectedCalibrationError(4), labels, p)
    assert found == pytest.approx((0.4 + 0.7) / 4)
    found = of(ExpectedCalibrationError(4), labels, p, [1, 0, 2, 1])
    assert found == pytest.approx((0.8 + 0.1) / 4)


def test_errors_are_the_evaluations():
    measures = Classification(4, WEIGHTS)
    measures.update(LOGITS, LABELS)
    found = of(ExpectedCalibrationError())
    assert found == pytest.approx(measures.result()["ece"], rel=1e-4)
    more = further.Further(4)
    more.update(P, LABELS)
    found = of(ClasswiseCalibrationError(4))
    assert found == pytest.approx(more.result()["classwise_ece"], rel=1e-4)
    found = of(AdaptiveCalibrationError())
    wanted = more.result()["adaptive_ece"]
    assert wanted > 0.05
    assert found == pytest.approx(wanted, abs=1e-4)
    few = further.Further(4, 7)
    few.update(P, LABELS)
    found = of(ClasswiseCalibrationError(4, 7))
    assert found == pytest.approx(few.result()["classwise_ece"], rel=1e-4)


@pytest.mark.parametrize("bins", [2, 4])
def test_adaptive_error_is_exact_for_confidences_that_differ(bins):
    confidence = np.array([0.6, 0.7, 0.8, 0.9, 0.99, 0.999, 0.99999, 1.0])
    p = np.stack((confidence, 1 - confidence), axis=1)
    labels = np.array([0, 1, 0, 0, 1, 0, 0, 1])
    wanted = further.adaptive_ece(confidence, labels == 0, bins)
    found = of(AdaptiveCalibrationError(bins), labels, p)
    assert found == pytest.approx(wanted, rel=1e-5)


def test_a_group_that_a_cut_falls_into_is_divided():
    p = np.full((4, 2), 0.5) + [[0.3, -0.3]]
    # Examples of equal confidence are alike, whichever of them are wrong.
    found = of(AdaptiveCalibrationError(3), [0, 0, 1, 0], p)
    assert found == pytest.approx(abs(4 * 0.8 - 3) / 4)
    found = of(AdaptiveCalibrationError(3), [0, 0, 1, 0], p, [0.1] * 4)
    assert found == pytest.approx(abs(4 * 0.8 - 3) / 4)


def test_confident_predictions_are_told_apart():
    """1 - p of float32 would be 0 for both."""
    logits = np.array([[0.0, -20.0], [0.0, -30.0]], "float32")
    metric = AdaptiveCalibrationError(2, from_logits=True)
    metric.update_state([1, 0], logits)
    assert float(metric.result()) == pytest.approx(0.5)
    assert np.count_nonzero(metric.counts) == 2


def test_bins_and_classes_are_checked():
    with pytest.raises(InputError, match="num_bins of at least 1"):
        ExpectedCalibrationError(0)
    with pytest.raises(InputError, match="num_bins to be a whole number"):
        ExpectedCalibrationError("a")
    with pytest.raises(InputError, match="num_classes of at least 2"):
        ClasswiseCalibrationError(1)
    with pytest.raises(InputError, match="predictions of 3 classes"):
        of(ClasswiseCalibrationError(3))
    assert ExpectedCalibrationError().num_bins == calibration.BINS


def test_in_a_compiled_model_they_are_exact_over_batches():
    kinds = [ExpectedCalibrationError(), AdaptiveCalibrationError()]
    kinds += [ClasswiseCalibrationError(4)]
    loss = "sparse_categorical_crossentropy"
    model = keras.Sequential([keras.Input((4,)), keras.layers.Softmax()])
    model.compile(loss=loss, weighted_metrics=kinds, jit_compile=True)
    logits = LOGITS[:100, 0].astype("float32")
    weights = np.arange(100) % 2
    found = model.evaluate(
        *(logits, LABELS[:100], 32, 0, weights), return_dict=True
    )
    odd = slice(1, None, 2)
    probabilities = mixture(LOGITS[:100, :1], [0.0])[odd]
    wanted = Classification(4, [0.0])
    wanted.update(LOGITS[:100, :1][odd], LABELS[:100][odd])
    more = further.Further(4)
    more.update(probabilities, LABELS[:100][odd])
    assert found["ece"] == pytest.approx(wanted.result()["ece"], rel=1e-4)
    for name in ("adaptive_ece", "classwise_ece"):
        assert found[name] == pytest.approx(more.result()[name], rel=1e-4)
