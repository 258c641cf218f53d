"""The fraction of weights that a network uses."""

import numpy as np

from mimo_keras.errors import expected

THRESHOLD = 1e-4
"""Absolute value up to which a weight counts as zero."""


def kept_weights(network, threshold=THRESHOLD):
    """Returns the fraction of trainable weights above a threshold.

    Args:
        network: keras.Model.
        threshold: Absolute value up to which a weight counts as zero.

    Returns:
        A number from 0 to 1.

    Raises:
        InputError: There are no weights, or the threshold is negative.

    Example:

    ```python
    0 < mimo_keras.analysis.kept_weights(model.network) <= 1  # True
    ```

    Reference:
        Havasi et al., ICLR 2021, appendix C and figure 9.
    """
    import keras

    if threshold < 0:
        raise expected(
            "a threshold of at least 0", f"threshold={threshold}", "Use 1e-4."
        )
    kept = total = 0
    for weight in network.trainable_weights:
        values = keras.ops.convert_to_numpy(weight)
        kept += int(np.count_nonzero(np.abs(values) > threshold))
        total += values.size
    if not total:
        raise expected(
            "a network with trainable weights", "none", "Build it first."
        )
    return kept / total
