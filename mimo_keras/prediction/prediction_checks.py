"""Checks of evaluation inputs; violations are reported in one line."""

import math

import numpy as np

from mimo_keras.errors import closest, expected
from mimo_keras.layers import arguments
from mimo_keras.prediction import precise


def checked_array(name, values, axes, shape):
    """Returns `values` as float64 if their shape fits and they are finite.

    Args:
        name: What the values are called in an error.
        values: Anything that NumPy can convert to an array.
        axes: The names of the axes for an error, such as "(b, E, K)".
        shape: A size for each axis; None for any size.

    Returns:
        The values as a float64 array.

    Raises:
        InputError: If the rank or a size differs, or a value is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != len(shape) or any(
        want not in (None, got)
        for want, got in zip(shape, values.shape, strict=True)
    ):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise expected(
            f"{name} of shape {axes} = ({wanted})",
            f"{name}.shape={values.shape}",
            "Compare with the shapes that the model was built with.",
        )
    bad = values.size - np.count_nonzero(np.isfinite(values))
    if bad:
        raise expected(
            f"finite {name}",
            f"{name}={bad} NaN or infinite values of {values.size}",
            "Check the inputs, the learning rate and the checkpoint.",
        )
    return values


def checked_labels(values, num_examples, num_classes):
    """Returns `values` as (b,) integer labels in [0, K).

    Args:
        values: The labels, (b,), of an integer type.
        num_examples: b, the number of rows of the logits.
        num_classes: K.

    Returns:
        The labels as an int64 array.

    Raises:
        InputError: If rank, length, type or range is wrong.
    """
    values = np.asarray(values)
    if values.shape != (num_examples,):
        raise expected(
            f"labels of shape ({num_examples},), one for each row of logits",
            f"labels.shape={values.shape}",
            "Pass class numbers, not one-hot rows.",
        )
    if not np.issubdtype(values.dtype, np.integer):
        raise expected(
            "labels of an integer type",
            f"labels.dtype={values.dtype}",
            "Pass class numbers.",
        )
    if num_examples and not 0 <= values.min() <= values.max() < num_classes:
        raise expected(
            f"labels from 0 to {num_classes - 1}",
            f"labels={values.min()} to {values.max()}",
            "Check num_classes and the data set.",
        )
    return values.astype(np.int64)


def checked_average(average):
    """Returns what is averaged; raises InputError if there is no such."""
    if average not in precise.AVERAGES:
        raise expected(
            'average="probabilities" or "logits"',
            f"average={average!r}",
            closest(average, precise.AVERAGES, "Choose one."),
        )
    return average


def checked_log_weights(values):
    """Returns log mixture weights, (E,), normalized in float64.

    Args:
        values: The log weights, (E,); minus infinity is a weight of zero.

    Returns:
        The log weights, corrected for float32 rounding so that the weights sum
        to 1 in float64.

    Raises:
        InputError: If they are not a vector, or the weights do not sum to 1
            within 1e-3.
    """
    values = np.array(arguments.log_weights(values))
    return values - math.log(math.fsum(np.exp(values)))
