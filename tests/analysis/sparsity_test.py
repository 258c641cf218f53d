"""The share of weights that are not nearly zero, by hand."""

import keras
import numpy as np
import pytest

from mimo_keras import analysis
from mimo_keras.errors import InputError


def test_by_hand():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    kernel = np.array([[1e-4, -1e-3], [0.0, 5.0], [-1e-5, 2e-4]])
    network.set_weights([kernel, np.array([0.0, -1.0])])
    # In float32 1e-4 is no more than itself.
    threshold = float(np.float32(1e-4))
    assert analysis.kept_weights(network, threshold) == 4 / 8
    assert analysis.kept_weights(network, 0.0) == 6 / 8


def test_what_cannot_be_counted_is_one_line():
    network = keras.Sequential([keras.Input((3,)), keras.layers.ReLU()])
    with pytest.raises(InputError, match="trainable weights"):
        analysis.kept_weights(network)
    with pytest.raises(InputError, match="threshold"):
        analysis.kept_weights(network, -1.0)
