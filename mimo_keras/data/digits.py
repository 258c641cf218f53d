"""scikit-learn's handwritten digits: real images that need no download.

1797 grey images of 8x8 pixels in 10 classes, from the test part of "Optical
Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI repository, 1998).
"""

import numpy as np

from mimo_keras.data import interpolation
from mimo_keras.data.examples import Examples
from mimo_keras.errors import expected

SPLIT_SEED = 20201013
"""Seed of the fixed split into training and test images."""


def load(split):
    """Loads a split of the digits.

    Args:
        split: "train" (1198 images) or "test" (599 images).

    Returns:
        `Examples` with images (n, 8, 8, 1) uint8, whose 17 grey levels 0..16
        are scaled to 0..255.

    Raises:
        InputError: There is no such split.
    """
    from sklearn.datasets import load_digits

    if split not in ("train", "test"):
        raise expected(
            "split to be train or test for digits",
            f"split={split}",
            "Parts of a split exist only for the TFDS data sets.",
        )
    digits = load_digits()
    labels = digits.target.astype(np.int64)
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., None]
    chosen = _is_test(labels) == (split == "test")
    return Examples("digits", images[chosen], labels[chosen], 10).checked()


def scaled(side=28):
    """Loads all digits at another size, as images that are no clothes.

    Args:
        side: Height and width of the result.

    Returns:
        `Examples` with images (1797, side, side, 1) uint8, interpolated
        bilinearly, their centres aligned.
    """
    parts = [load(split) for split in ("train", "test")]
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    places = (np.arange(side) + 0.5) * images.shape[1] / side - 0.5
    weights = interpolation.linear(places, images.shape[1])
    levels = np.einsum("ih,nhwc,jw->nijc", weights, images * 1.0, weights)
    levels = np.rint(levels).astype(np.uint8)
    return Examples("scaled_digits", levels, labels, 10)


def _is_test(labels):
    """Marks a third of each class as test examples, (n,) bool.

    Examples are ordered by class, and randomly within each class; every third
    of them is a test example. RandomState is used because NumPy guarantees that
    its numbers never change.
    """
    shuffled = np.random.RandomState(SPLIT_SEED).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    marks = np.zeros(len(labels), bool)
    marks[by_class[::3]] = True
    return marks
