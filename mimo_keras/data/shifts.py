"""The shifted test sets of the MIMMO paper, made from any images.

The supplement names five transformations with five levels each
(Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B) without further
detail. They are interpreted here as follows:

- translation: by that share of the width or the height, along an axis and in
  a direction drawn for each image; uncovered pixels are black;
- rotation: by that many degrees about the centre, corners black;
- brightness: multiplied by that factor;
- contrast: interpolated between the image's mean grey, at 0, and the image, at
  1;
- the fifth, which the text calls "amble" with factors from 0.9 down to 0.5:
  scale, the image shrunk by that factor on black.

The operations are Keras's (`keras.ops.image`), with bilinear interpolation.
"""

import dataclasses
import zlib

import numpy as np

from mimo_keras.data.examples import Examples
from mimo_keras.errors import closest, expected

LEVELS = {
    "translation": (0.1, 0.2, 0.3, 0.4, 0.5),
    "rotation": (0, 45, 90, 135, 180),
    "brightness": (0.9, 0.7, 0.5, 0.3, 0.1),
    "contrast": (0.9, 0.7, 0.5, 0.3, 0.1),
    "scale": (0.9, 0.8, 0.7, 0.6, 0.5),
}
"""Transformation -> its levels, weakest first."""


@dataclasses.dataclass(frozen=True, eq=False)
class Shifted:
    """A test set under one transformation.

    Args:
        type: One of `LEVELS`.
        level: 1 (weakest) to 5.
        examples: The transformed `Examples`, in the same order, with labels.
    """

    type: str
    level: int
    examples: Examples


def shifted(examples, types=None):
    """Iterates over the shifted versions of a test set.

    Args:
        examples: `Examples` of uint8 images (n, H, W, C).
        types: Names of transformations; None for all.

    Yields:
        `Shifted`, one at a time.

    Raises:
        InputError: A name is unknown, or the examples are not images.

    Example:

    ```python
    test = mimo_keras.data.load("digits", "test")
    first = next(iter(mimo_keras.data.shifted(test)))
    first.examples.images.shape                              # (599, 8, 8, 1)
    ```
    """
    images = examples.images
    if images.ndim != 4 or images.dtype != np.uint8:
        raise expected(
            "uint8 images (n, H, W, C)",
            f"{images.dtype} of shape {images.shape}",
            "Vectors cannot be shifted.",
        )
    for name in LEVELS if types is None else types:
        if name not in LEVELS:
            raise expected(
                "transformations among " + ", ".join(LEVELS),
                f"types={name!r}",
                closest(name, LEVELS, "Choose from these."),
            )
        for level, amount in enumerate(LEVELS[name], 1):
            new = _OPERATIONS[name](images, amount)
            yield Shifted(
                name, level, dataclasses.replace(examples, images=new)
            )


def translation(images, share):
    """Moves each image by a share of its side, in a random direction."""
    count, height, width, _ = images.shape
    # Seeded by the share alone: the set is always the same.
    rng = np.random.default_rng(zlib.crc32(f"translation {share}".encode()))
    horizontal = rng.integers(0, 2, count)
    sign = rng.choice([-1.0, 1.0], count)
    x = horizontal * sign * share * width
    y = (1 - horizontal) * sign * share * height
    return _mapped(images, np.eye(2)[None].repeat(count, 0), x, y)


def rotation(images, degrees):
    """Rotates each image about its centre, counter-clockwise."""
    angle = np.deg2rad(degrees)
    turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return _mapped(images, np.array([turn]).repeat(len(images), 0))


def brightness(images, factor):
    """Multiplies each image by a factor."""
    return _rounded(factor * images.astype("float32"))


def contrast(images, factor):
    """Moves each image towards its mean grey, reached at a factor of 0."""
    values = images.astype("float32")
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    return _rounded(mean + factor * (values - mean))


def scale(images, factor):
    """Shrinks each image by a factor, about its centre."""
    return _mapped(images, np.eye(2)[None].repeat(len(images), 0) / factor)


_OPERATIONS = {
    "translation": translation,
    "rotation": rotation,
    "brightness": brightness,
    "contrast": contrast,
    "scale": scale,
}


def _mapped(images, matrices, x=0.0, y=0.0):
    """Applies an affine transformation to each image.

    Args:
        images: (n, H, W, C) uint8.
        matrices: (n, 2, 2), from positions of the result to those of the image,
            both relative to the centre.
        x: How far the image moves to the right, in pixels, (n,) or a number.
        y: How far it moves down.
    """
    import keras

    count, height, width, _ = images.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    moved = np.stack(np.broadcast_arrays(x, y, np.zeros(count))[:2], -1)
    offset = middle - np.einsum("nij,nj->ni", matrices, middle + moved)
    rows = np.concatenate([matrices, offset[..., None]], axis=2)
    transforms = np.concatenate(
        [rows.reshape(count, 6), np.zeros((count, 2))], axis=1
    )
    transformed = keras.ops.image.affine_transform(
        images.astype("float32"),
        transforms.astype("float32"),
        interpolation="bilinear",
        fill_mode="constant",
        fill_value=0.0,
        data_format="channels_last",
    )
    return _rounded(keras.ops.convert_to_numpy(transformed))


def _rounded(values):
    return np.clip(np.rint(values), 0, 255).astype("uint8")
