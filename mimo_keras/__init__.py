"""Efficient ensembles in Keras: many predictions at one network's cost."""

from mimo_keras import backbones, layers, methods
from mimo_keras.backbones import list_backbones
from mimo_keras.errors import InputError
from mimo_keras.export import export_saved_model
from mimo_keras.methods import list_methods
from mimo_keras.training import (
    EnsembleModel,
    Predictor,
    assemble,
    create_model,
)
from mimo_keras.version import __version__

__all__ = [
    "EnsembleModel",
    "InputError",
    "Predictor",
    "__version__",
    "assemble",
    "backbones",
    "create_model",
    "export_saved_model",
    "layers",
    "list_backbones",
    "list_methods",
    "methods",
]
