"""Efficient ensembles in Keras: many predictions at the cost of one network."""

import importlib

from mimo_keras import (
    backbones,
    layers,
    methods,
    metrics,
    prediction,
    training,
)
from mimo_keras.backbones import list_backbones
from mimo_keras.errors import InputError
from mimo_keras.export import export_saved_model, fitted_on
from mimo_keras.methods import list_methods
from mimo_keras.training import (
    EnsembleModel,
    Predictor,
    assemble,
    average_weights,
    create_model,
    distill,
    from_network,
    refresh_batch_norms,
)
from mimo_keras.version import __version__

__all__ = [
    "EnsembleModel",
    "InputError",
    "Predictor",
    "__version__",
    "analysis",
    "assemble",
    "average_weights",
    "backbones",
    "create_model",
    "data",
    "distill",
    "evaluate",
    "evaluation",
    "export_saved_model",
    "fitted_on",
    "from_network",
    "layers",
    "list_backbones",
    "list_methods",
    "methods",
    "metrics",
    "prediction",
    "refresh_batch_norms",
    "report",
    "training",
]

# Not every user needs them: they are imported when first asked for.
_LAZY = ("analysis", "data", "evaluation")


def __getattr__(name):
    if name == "evaluate":
        home = importlib.import_module(f"{__name__}.evaluation.of_predictor")
        return home.evaluate_model
    if name == "report":
        home = importlib.import_module(f"{__name__}.analysis.report_of_model")
        return home.report_of_model
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
