"""Synthetic images that a network can learn, for tests and benchmarks."""

import numpy as np

from mimo_keras.data.examples import Examples

GRID = 4
"""A class's prototype is a pattern of GRID x GRID patches of random greys."""

NOISE = 40.0
"""Standard deviation of the noise on each pixel, in grey levels of 255."""


def images(n, image_shape, num_classes, seed):
    """Draws images that are the prototype of their class plus Gaussian noise.

    The prototypes depend only on the shape and the classes, so examples of two
    seeds can serve as training and test set.

    Args:
        n: Number of images.
        image_shape: (H, W, C).
        num_classes: Number of classes, all equally likely.
        seed: Integer that determines labels and noise.

    Returns:
        `Examples` with images (n, H, W, C) uint8.
    """
    generator = np.random.RandomState(seed)
    labels = generator.randint(num_classes, size=n).astype(np.int64)
    noise = generator.normal(0.0, NOISE, (n, *image_shape))
    pixels = _prototypes(image_shape, num_classes)[labels] + noise
    pixels = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    return Examples("fake", pixels, labels, num_classes).checked()


def _prototypes(image_shape, num_classes):
    """Returns one image of large patches for each class, (K, H, W, C)."""
    height, width, channels = image_shape
    patches = np.random.RandomState(0).uniform(
        0, 255, (num_classes, GRID, GRID, channels)
    )
    rows = np.arange(height) * GRID // height
    columns = np.arange(width) * GRID // width
    return patches[:, rows][:, :, columns]
