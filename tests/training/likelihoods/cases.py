"""Every likelihood, and small examples for its tests."""

import numpy as np
import pytest

from mimo_keras.training.likelihoods import (
    Binary,
    Categorical,
    Gaussian,
    Mean,
    Multilabel,
    Quantiles,
)

WEIGHTS = np.array([0.75, 0.25])
LOGS = np.log(WEIGHTS).astype("float32")
LABELS = np.array([[0, 2], [1, 1], [2, 0]])
TARGETS = np.array([[1.0, 2.0], [0.0, -1.0], [4.0, 0.5]], "float32")
# Add yours here; older files know only those that came first.
OLDEST = {Categorical(3): LABELS[:, 0], Mean(2): TARGETS}
BITS = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0.25]], "float32")
TARGETS_OF = {
    **OLDEST,
    Binary(): BITS[:, :1],
    Multilabel(3): BITS,
    Gaussian(2): TARGETS,
    Quantiles(2, (0.1, 0.5, 0.9)): TARGETS,
}

every_likelihood, every_oldest = (
    pytest.mark.parametrize("likelihood", each, ids=lambda x: type(x).__name__)
    for each in (TARGETS_OF, OLDEST)
)


def outputs(size, seed=0):
    """Three rows of two members."""
    draw = np.random.default_rng(seed)
    return draw.normal(0, 3, (3, 2, size)).astype("float32")
