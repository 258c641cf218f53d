"""Weights of linear interpolation against NumPy's own."""

import numpy as np

from mimo_keras.data import interpolation


def test_it_is_numpys_interpolation_and_repeats_the_edges():
    values = np.array([3.0, -1.0, 4.0, 10.0])
    places = np.array([-2.0, 0.0, 0.4, 1.0, 2.999, 3.0, 7.5])
    np.testing.assert_allclose(
        interpolation.linear(places, 4) @ values,
        np.interp(places, np.arange(4), values),
        atol=1e-12,
    )


def test_weights_sum_to_one():
    weights = interpolation.linear(np.linspace(-1, 9, 50), 8)
    np.testing.assert_allclose(weights.sum(1), 1)
    assert (weights >= 0).all() and ((weights > 0).sum(1) <= 2).all()
