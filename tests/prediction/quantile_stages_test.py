"""Stages on quantiles, by hand; see also likelihoods/quantiles_test.py."""

import keras
import numpy as np

from mimo_keras.prediction import InterpolatedQuantiles, QuantileIntervals

PREDICTED = {
    "quantiles": np.array([[[1.0, 10.0], [2.0, 30.0], [4.0, 40.0]]], "float32")
}


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_outer_quantiles_are_moved_apart():
    found = QuantileIntervals([0.5, -1.0])(PREDICTED, None)
    np.testing.assert_allclose(array(found["lower"]), [[0.5, 11.0]], rtol=1e-5)
    np.testing.assert_allclose(array(found["upper"]), [[4.5, 39.0]], rtol=1e-5)


def test_levels_between_are_on_a_line():
    stage = InterpolatedQuantiles([0.2, 0.3, 0.9], [0.2, 0.4, 0.9])
    found = array(stage(PREDICTED, None)["quantile"])
    wanted = [[[1.0, 10.0], [1.5, 20.0], [4.0, 40.0]]]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
