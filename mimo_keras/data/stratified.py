"""A seeded order of examples whose every part has all classes in proportion."""

import numpy as np


def order(labels, seed):
    """Returns a random order in which the classes are evenly spread.

    The j-th image of a class of n_c images, in random order, stands at
    (j + 1/2) / n_c of the way. Of any first N images, and of any last, each
    class therefore has its share, to within one image. RandomState is used
    because NumPy guarantees that its numbers never change.

    Args:
        labels: (n,) integers, the classes.
        seed: Integer from 0 to 2**32 - 1 that determines the order.

    Returns:
        (n,) int64: the indices of the examples, in that order.

    Example:
        >>> from mimo_keras.data import stratified
        >>> labels = [0, 0, 0, 0, 1, 1]
        >>> sorted(labels[i] for i in stratified.order(labels, seed=1)[:3])
        [0, 0, 1]
    """
    labels = np.asarray(labels)
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    places = np.empty(len(labels))
    for label in np.unique(labels):
        mine = labels[shuffled] == label
        places[mine] = (np.arange(mine.sum()) + 0.5) / mine.sum()
    return shuffled[np.argsort(places, kind="stable")]
