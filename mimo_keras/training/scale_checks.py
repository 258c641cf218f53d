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
        with np.errstate(all="ignore"):  # NaN and infinity are not its subject.
            extent = measured(some, standardize)
    if is_outside(extent, standardize):
        report(extent, standardize)


def measured(images, standardize, mean=np.mean, largest=np.max):
    """Returns how far values reach: three numbers.

    Args:
        images: Floats (B, …), float32; an array, or a tensor.
        standardize: The model's `layers.StandardizeImages`.
        mean: Function to the mean over all values, such as tf.reduce_mean.
        largest: Function to the largest of all values.

    Returns:
        The root mean square of the deviations from the mean, in units of the
        scale; the largest absolute value; and the largest fraction after the
        decimal point.
    """
    center = np.float32(standardize.mean)
    # A std below 1 is that of images from 0 to 1, which reach further.
    unit = np.maximum(np.float32(standardize.std), np.float32(1))
    if standardize.input_scale == "0..255":
        center, unit = 255 * center, 255 * unit
    deviation = (images - center) / unit
    square = mean(deviation * deviation)
    return square**0.5, largest(abs(images)), largest(abs(images) % 1)


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
    deviation, largest, fraction = extent
    # NaN and infinity are not of another scale.
    is_far = (deviation > FAR) & (deviation < np.inf)
    if standardize.input_scale == "0..255" or is_of_bytes:
        # From 0 to 1 all would look black; dark bytes are whole numbers.
        is_far = is_far | ((fraction > 0) & (largest <= 1))
    return is_far


def report(extent, standardize):
    """Raises the error, or warns, about values far outside the scale.

    Args:
        extent: As of `is_outside`, as numbers.
        standardize: The model's `layers.StandardizeImages`.
    """
    largest = None if extent is None else extent[1]
    if standardize.input_scale != standardize_images.UNSTATED:
        raise error(largest, standardize)
    warnings.warn(str(error(largest, standardize)), stacklevel=2)


def error(largest, standardize):
    """Returns the error about values far outside the scale.

    Args:
        largest: The largest value; None for bytes.
        standardize: The model's `layers.StandardizeImages`.
    """
    scale = stated(standardize)
    other = "0..1" if scale == "0..255" else "0..255"
    values = "bytes" if largest is None else f"values up to {largest:.6g}"
    return expected(
        f"images from {scale.replace('..', ' to ')}, and mean and std on the "
        "scale of 0 to 1",
        f"{values}, mean={standardize.mean}, std={standardize.std}",
        f"Scale them, or create the model with input_scale={other!r}, or with "
        "input_scale=None if they are no intensities.",
    )


def stated(standardize):
    """Returns a layer's input_scale; the default's where a file has none."""
    scale = standardize.input_scale
    return "0..1" if scale == standardize_images.UNSTATED else scale
