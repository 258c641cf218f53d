"""Likelihoods: what outputs mean, and how well they fit the targets.

A method builds a network with a number of outputs and knows nothing else about
them. Everything that depends on their meaning is defined by one object: how
they become predictions, what a step minimizes, what targets look like. To add
a likelihood, write its class here; no other code asks which one it has.
"""

from mimo_keras.training.likelihoods.choosing import (
    chosen,
    from_saved,
    of_outputs,
)
from mimo_keras.training.likelihoods.classes import Categorical
from mimo_keras.training.likelihoods.gaussian import Gaussian
from mimo_keras.training.likelihoods.labels import Binary, Multilabel
from mimo_keras.training.likelihoods.likelihood import Likelihood
from mimo_keras.training.likelihoods.means import Mean
from mimo_keras.training.likelihoods.quantiles import Quantiles

__all__ = [
    "Binary",
    "Categorical",
    "Gaussian",
    "Likelihood",
    "Mean",
    "Multilabel",
    "Quantiles",
    "chosen",
    "from_saved",
    "of_outputs",
]
