"""Keras metrics of probabilities: the evaluation's measures for `compile`.

Each keeps sums over examples, so that its value does not depend on the batches.
"""

from mimo_keras.metrics.calibration_errors import (
    AdaptiveCalibrationError,
    ClasswiseCalibrationError,
    ExpectedCalibrationError,
)
from mimo_keras.metrics.proper_scores import (
    BrierScore,
    NegativeLogLikelihood,
)

__all__ = [
    "AdaptiveCalibrationError",
    "BrierScore",
    "ClasswiseCalibrationError",
    "ExpectedCalibrationError",
    "NegativeLogLikelihood",
]
