"""Training: the ensemble model, its batches, losses and schedules."""

from mimo_keras.training.assemble import assemble
from mimo_keras.training.create import create_model
from mimo_keras.training.distilling import distill
from mimo_keras.training.distribute import make_strategy
from mimo_keras.training.fit import NonFiniteLossError, fit
from mimo_keras.training.from_network import from_network
from mimo_keras.training.losses import SmoothedCrossEntropy
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.predictor import Predictor
from mimo_keras.training.schedules import WarmUpStepDecay, cyclic_cosine
from mimo_keras.training.side_by_side import SideBySide
from mimo_keras.training.weight_averages import (
    average_weights,
    refresh_batch_norms,
)

__all__ = [
    "EnsembleModel",
    "NonFiniteLossError",
    "Predictor",
    "SideBySide",
    "SmoothedCrossEntropy",
    "WarmUpStepDecay",
    "assemble",
    "average_weights",
    "create_model",
    "cyclic_cosine",
    "distill",
    "fit",
    "from_network",
    "make_strategy",
    "refresh_batch_norms",
]
