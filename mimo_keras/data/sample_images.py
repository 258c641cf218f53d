"""Patches of scikit-learn's sample photographs, as non-digit images."""

import numpy as np

from mimo_keras.data.examples import Examples

COUNT = 599
"""The number of test digits."""


def load():
    """Cuts 8x8 grey patches from scikit-learn's two sample photographs.

    The photographs (a temple, a flower; 427x640) are averaged over 4x4
    pixels, as the digits were made from 32x32 bitmaps. Each yields 15 x 20
    patches, evenly spaced from edge to edge (rows overlap by one pixel), with
    their contrast unchanged. The last patch is dropped, so that there are as
    many patches as test digits.

    Returns:
        `Examples` with images (599, 8, 8, 1) uint8, all labels 0 and
        num_classes None.
    """
    from sklearn.datasets import load_sample_images

    patches = [_patches(photo) for photo in load_sample_images().images]
    images = np.concatenate(patches)[:COUNT]
    return Examples(
        "sample_images", images, np.zeros(len(images), np.int64), None
    )


def _patches(photo, rows=15, columns=20):
    """Returns (rows · columns, 8, 8, 1) uint8 from a photo (H, W, 3) uint8."""
    grey = _reduced(photo)
    windows = np.lib.stride_tricks.sliding_window_view(grey, (8, 8))
    down = np.linspace(0, len(windows) - 1, rows).astype(int)
    right = np.linspace(0, windows.shape[1] - 1, columns).astype(int)
    return windows[np.ix_(down, right)].reshape(-1, 8, 8, 1)


def _reduced(photo, factor=4):
    """Returns the grey means (H // 4, W // 4) uint8 of blocks of a photo.

    Grey is the mean of red, green and blue; sums are over integers, so that
    the result is the same on every machine.
    """
    height, width = (side // factor for side in photo.shape[:2])
    blocks = photo[: height * factor, : width * factor].reshape(
        height, factor, width, factor, -1
    )
    sums = blocks.sum(axis=(1, 3, 4), dtype=np.int64)
    return (sums // (factor**2 * photo.shape[2])).astype(np.uint8)
