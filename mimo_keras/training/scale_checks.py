"""Whether images are on the scale that a model expects."""

import warnings

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.layers import standardize_images

# Values are far outside a scale if they are so many times too large: images
# from 0 to 255 are where 0 to 1 is meant, whatever their brightness; outliers
# among standardized values are not.
FAR = 10.0

# More rows than these say nothing new about the scale.
_ROWS = 1024


def check_scale(images, standardize):
    """Raises InputError if values lie far outside the scale of mean and std.

    For a model whose file does not state a scale, it only warns: see
    `standardize_images.UNSTATED`.

    Args:
        images: NumPy array (B, …).
        standardize: The model's `layers.StandardizeImages`.
    """
    if standardize.input_scale is None or not images.size:
        return
    extent = None
    if images.dtype != "uint8":
        some = images[:: -(-len(images) // _ROWS)].astype("float32")
        extent = measured(some, standardize, np)
    if is_outside(extent, standardize):
        report(extent, standardize)


def measured(images, standardize, xp):
    """Returns how far values reach: two numbers.

    Args:
        images: Floats (B, …), float32.
        standardize: The model's `layers.StandardizeImages`.
        xp: numpy or tensorflow.experimental.numpy.

    Returns:
        The root mean square of the deviations from the mean, in units of the
        scale; and the largest absolute value.
    """
    mean = np.float32(standardize.mean)
    # A std below 1 is that of images from 0 to 1, which reach further.
    unit = np.maximum(np.float32(standardize.std), np.float32(1))
    if standardize.input_scale == "0..255":
        mean, unit = 255 * mean, 255 * unit
    deviation = (images - mean) / unit
    square = xp.mean(xp.square(deviation))
    return xp.sqrt(square), xp.max(xp.abs(images))


def is_outside(extent, standardize):
    """Whether values lie far outside the scale of mean and std.

    Args:
        extent: As `measured` returns it; None for bytes, which are on the scale
            by definition and leave the question whether mean and std are.
        standardize: The model's `layers.StandardizeImages`.
    """
    mean, std = np.abs(standardize.mean), np.abs(standardize.std)
    is_of_bytes = bool(max(mean.max(), std.max()) > FAR)
    if extent is None:
        return is_of_bytes
    deviation, largest = extent
    is_far = deviation > FAR
    if standardize.input_scale == "0..255" or is_of_bytes:
        # From 0 to 1 all would look black.
        is_far = is_far | ((largest > 0) & (largest <= 1))
    return is_far


def report(extent, standardize):
    """Raises the error, or warns, about values far outside the scale.

    Args:
        extent: As of `is_outside`, as numbers.
        standardize: The model's `layers.StandardizeImages`.
    """
    scale = stated(standardize)
    other = "0..1" if scale == "0..255" else "0..255"
    values = "bytes" if extent is None else f"values up to {extent[1]:.6g}"
    error = expected(
        f"images from {scale.replace('..', ' to ')}, and mean and std on the "
        "scale of 0 to 1",
        f"{values}, mean={standardize.mean}, std={standardize.std}",
        f"Scale them, or create the model with input_scale={other!r}, or with "
        "input_scale=None if they are no intensities.",
    )
    if standardize.input_scale != standardize_images.UNSTATED:
        raise error
    warnings.warn(str(error), stacklevel=2)


def stated(standardize):
    """Returns a layer's input_scale; the default's where a file has none."""
    scale = standardize.input_scale
    return "0..1" if scale == standardize_images.UNSTATED else scale
