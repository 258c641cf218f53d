"""What follows a prediction: calibration, prediction sets, abstaining.

A user reaches all of it by methods of `Predictor`; its layers are here.
"""

from mimo_keras.prediction.abstaining import Abstention
from mimo_keras.prediction.calibrators import (
    Isotonic,
    MemberTemperatures,
    Temperature,
    VectorScaling,
)
from mimo_keras.prediction.detecting import LogitDetector
from mimo_keras.prediction.feature_detectors import (
    MahalanobisDetector,
    NeighborDetector,
    VirtualLogitDetector,
)
from mimo_keras.prediction.mixture_quantiles import MixtureQuantiles
from mimo_keras.prediction.quantile_stages import (
    InterpolatedQuantiles,
    QuantileIntervals,
)
from mimo_keras.prediction.sets import Intervals, PredictionSets
from mimo_keras.prediction.stages import Stage

__all__ = [
    "Abstention",
    "InterpolatedQuantiles",
    "Intervals",
    "Isotonic",
    "LogitDetector",
    "MahalanobisDetector",
    "MemberTemperatures",
    "MixtureQuantiles",
    "NeighborDetector",
    "PredictionSets",
    "QuantileIntervals",
    "Stage",
    "Temperature",
    "VectorScaling",
    "VirtualLogitDetector",
]
