"""Steps in which a replica has no images.

A last batch smaller than the number of replicas leaves some without a row, and
many layers cannot run on none: reshapes fail, means are NaN.
"""

import keras
from keras import ops

from mimo_keras.training.distribute.distribution import replica_count


def has_none(images):
    """Whether this is one of several replicas and known to have no images."""
    shape = images.shape
    known = getattr(shape, "rank", 0) is not None
    return known and shape[:1] == (0,) and replica_count() > 1


def safely(function, images, repetitions=1):
    """Calls a function on images; where there are none, on one blank image.

    Nothing is seen of the blank image in losses, gradients and metrics, since
    its outputs are cut off. In training, the batch norms of its replica see it
    in that one step.

    Args:
        function: From images (B, …), at least one, to tensors (R·B, …).
        images: (B, …), where B may be 0 if several replicas share a step.
        repetitions: R.

    Returns:
        The tensors, in the structure that the function returns.
    """
    if images.shape[0] or replica_count() == 1:
        return function(images)
    rows = ops.shape(images)[0]
    missing = ops.maximum(1 - rows, 0)
    blank = ops.zeros((missing, *images.shape[1:]), dtype=images.dtype)
    outputs = function(ops.concatenate([images, blank]))
    return keras.tree.map_structure(
        lambda tensor: tensor[: rows * repetitions], outputs
    )
