"""Training: the ensemble model, its batches, losses and schedules."""

from mimo_keras.training.assemble import assemble
from mimo_keras.training.create import create_model
from mimo_keras.training.distribute import make_strategy
from mimo_keras.training.fit import fit
from mimo_keras.training.from_network import from_network
from mimo_keras.training.losses import SmoothedCrossEntropy
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.predictor import Predictor
from mimo_keras.training.schedules import WarmUpStepDecay
from mimo_keras.training.side_by_side import SideBySide

__all__ = [
    "EnsembleModel",
    "Predictor",
    "SideBySide",
    "SmoothedCrossEntropy",
    "WarmUpStepDecay",
    "assemble",
    "create_model",
    "fit",
    "from_network",
    "make_strategy",
]
