"""Linear interpolation along an axis as a matrix, edges repeated."""

import numpy as np


def linear(places, size):
    """Returns the weights of the values at real-valued places.

    Args:
        places: (m,) places on an axis whose values are at 0, 1, …, size - 1.
        size: The number of values, at least 2.

    Returns:
        (m, size): row i has the weights of the two values around places[i].

    Example:
        >>> from mimo_keras.data import interpolation
        >>> interpolation.linear([0.25, 9.0], 3).tolist()
        [[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]]
    """
    places = np.clip(places, 0, size - 1)
    below = np.minimum(places.astype(int), size - 2)
    share = places - below
    weights = np.zeros((len(places), size))
    each = np.arange(len(places))
    weights[each, below] = 1 - share
    weights[each, below + 1] = share
    return weights
