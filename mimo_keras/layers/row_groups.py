"""Groups of rows, each with its own mean and variance in batch norm."""

import math

from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_whole


def check_size(group_size, synchronized):
    """Raises InputError for a group that batch norm cannot have."""
    if not is_whole(group_size) or group_size < 0:
        raise expected(
            "group_size to be a whole number of at least 0",
            f"group_size={group_size!r}",
            "Use 0 for a single group of all rows.",
        )
    if group_size and synchronized:
        raise expected(
            "group_size or synchronized, not both",
            f"group_size={group_size}, synchronized=True",
            "A group lies within one replica: leave one of them out.",
        )


def normalized(x, ensemble_size, group_size, alike, affine):
    """Normalizes each group of rows by its own mean and variance.

    The rows of a member, or those that stand at the same places in all members,
    are divided into groups of g successive rows; the last one may be smaller.

    Args:
        x: (M·B, …, C), in float32, all rows of member 0 first.
        ensemble_size: M.
        group_size: g.
        alike: Whether a group has the rows of all members, so that there are
            ⌈B / g⌉ groups instead of that many for each member.
        affine: Function from mean and variance, (1 or M, groups, 1, 1, C), to
            scale and shift, such that y = scale · x + shift.

    Returns:
        y, of the shape of x; and the mean and variance (1 or M, C) that moving
        averages move to: those of the groups, averaged over the rows.

    Reference:
        Hoffer, Hubara and Soudry, Train longer, generalize better, NeurIPS
        2017, algorithm 1, with the moving averages of replicas that see one
        group each.
    """
    shape, channels = ops.shape(x), x.shape[-1]
    count, places = shape[0] // ensemble_size, math.prod(shape[1:-1])
    groups = -(-count // group_size)
    missing = groups * group_size - count
    x = ops.reshape(x, (ensemble_size, count, places, channels))
    if not isinstance(missing, int) or missing:
        x = ops.pad(x, ((0, 0), (0, missing), (0, 0), (0, 0)))
    by_group = (ensemble_size, groups, group_size, places, channels)
    x = ops.reshape(x, by_group)
    # Rows that only complete the last group do not count.
    real = ops.arange(groups * group_size) < count
    real = ops.reshape(ops.cast(real, x.dtype), (1, groups, group_size, 1, 1))
    axes = (0, 2, 3) if alike else (2, 3)
    rows = ops.sum(real, axis=2, keepdims=True)
    each = places * (ensemble_size if alike else 1)
    seen = rows * ops.cast(each, x.dtype)
    mean = ops.sum(x, axes, keepdims=True) / seen
    squares = ops.square(x - mean) * real
    variance = ops.sum(squares, axes, keepdims=True) / seen
    scale, shift = affine(mean, variance)
    in_a_row = (ensemble_size, groups * group_size, places, channels)
    y = ops.reshape(x * scale + shift, in_a_row)
    y = ops.reshape(y[:, :count], shape)
    weights = rows / ops.sum(rows)
    moments = (ops.sum(v * weights, axis=(1, 2, 3)) for v in (mean, variance))
    return y, *moments
