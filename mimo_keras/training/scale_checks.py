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
    if not images.size:
        return
    if standardize.input_scale is None:
        _check_bytes(images, standardize)
        return
    extent = None
    if images.dtype != "uint8":
        some = images[:: -(-len(images) // _ROWS)].astype("float32")
        with np.errstate(all="ignore"):  # NaN and infinity are not its subject.
            extent = measured(some, standardize)
    rank = images.ndim - 1
    if is_outside(extent, standardize, rank):
        report(extent, standardize, rank)


def _check_bytes(images, standardize):
    """Raises InputError for images from 0 to 1 if the network takes bytes."""
    if "float" in images.dtype.name and takes_bytes(standardize):
        least, largest = (float(f(images)) for f in (np.min, np.max))
        if is_black(least, largest):
            raise black(largest, standardize)


def takes_bytes(standardize):
    """Whether images go as they are into a network that expects 0 to 255."""
    return bool(standardize.input_scale is None and standardize.reader())


def is_black(least, largest):
    """Whether values, of 0 to 255, would all look black: those from 0 to 1.

    Args:
        least: The least of all values of a batch; a number or a tensor.
        largest: The largest. Zero is black on every scale.
    """
    return (least >= 0) & (largest > 0) & (largest <= 1)


def black(largest, standardize):
    """Returns the error about images that would all look black.

    Args:
        largest: The largest value.
        standardize: The model's `layers.StandardizeImages`.
    """
    return expected(
        "images from 0 to 255, as the network's layer "
        f"{standardize.reader()} takes them",
        f"values up to {largest:.6g}",
        "Multiply them by 255, or create the model with input_scale='0..1' and "
        "std=1/255.",
    )


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


def is_outside(extent, standardize, rank=3):
    """Whether values lie far outside the scale of mean and std.

    Args:
        extent: As `measured` returns it; None for bytes, which are on the scale
            by definition and leave the question whether mean and std are.
        standardize: The model's `layers.StandardizeImages`.
        rank: Of one input: 3 for an image.
    """
    is_of_bytes = _is_of_bytes(standardize)
    if extent is None:
        return is_of_bytes
    deviation, largest, fraction = extent
    # NaN and infinity are not of another scale.
    is_far = (deviation > FAR) & (deviation < np.inf)
    if standardize.input_scale == "0..255" or is_of_bytes:
        # From 0 to 1 all would look black; dark bytes are whole numbers.
        is_far = is_far | ((fraction > 0) & (largest <= 1))
    elif rank > 2:
        # Dark images from 0 to 255: on no other scale are all numbers whole.
        is_far = is_far | ((fraction == 0) & (largest > FAR))
    return is_far


def report(extent, standardize, rank=3):
    """Raises the error, or warns, about values far outside the scale.

    Args:
        extent: As of `is_outside`, as numbers.
        standardize: The model's `layers.StandardizeImages`.
        rank: Of one input: 3 for an image.
    """
    found = error(None if extent is None else extent[1], standardize, rank)
    if standardize.input_scale != standardize_images.UNSTATED:
        raise found
    warnings.warn(str(found), stacklevel=2)


def error(largest, standardize, rank=3):
    """Returns the error about values far outside the scale.

    Args:
        largest: The largest value; None for bytes.
        standardize: The model's `layers.StandardizeImages`.
        rank: Of one input: 3 for an image.
    """
    scale = stated(standardize)
    values = "bytes" if largest is None else f"values up to {largest:.6g}"
    if _is_of_bytes(standardize):
        return expected(
            "mean and std on the scale of 0 to 1, as input_scale='0..1' says",
            f"{values}, mean={standardize.mean}, std={standardize.std}",
            "Divide them by 255, or create the model with input_scale=None, if "
            "they are those of the values as they are.",
        )
    wanted = f"values from {scale.replace('..', ' to ')}"
    if rank < 3:
        return expected(
            f"{wanted}, as input_scale={scale!r} says",
            values,
            "For tables, series and token ids create the model with "
            "input_scale=None; mean and std may be those of the columns.",
        )
    other = "0..1" if scale == "0..255" else "0..255"
    return expected(
        f"images with {wanted}, as input_scale={scale!r} says",
        values,
        f"Scale them, or create the model with input_scale={other!r}, or with "
        "input_scale=None if they are no intensities.",
    )


def _is_of_bytes(standardize):
    """Whether mean and std are those of values from 0 to 255."""
    mean, std = np.abs(standardize.mean), np.abs(standardize.std)
    return bool(max(mean.max(), std.max()) > FAR)


def stated(standardize):
    """Returns a layer's input_scale; the default's where a file has none."""
    scale = standardize.input_scale
    return "0..1" if scale == standardize_images.UNSTATED else scale
