"""Patches of scikit-learn's sample photographs, as non-digit images."""

import numpy as np

from mimo_keras.data.examples import Examples

COUNT = 599
"""The number of test digits."""


def load(side=8, factor=4, count=COUNT):
    """Cuts grey patches from scikit-learn's two sample photographs.

    The photographs (a temple, a flower; 427x640) are averaged over blocks of
    pixels: for digits over 4x4, as the digits were made from 32x32 bitmaps.
    Each yields 15 x 20 patches, evenly spaced from edge to edge (rows of 8x8
    patches overlap by one pixel), with their contrast unchanged. For digits
    the last patch is dropped, so that there are as many as test digits.

    Args:
        side: Height and width of a patch.
        factor: Side of the blocks that are averaged.
        count: The number of patches, at most 600.

    Returns:
        `Examples` with images (count, side, side, 1) uint8, all labels 0 and
        num_classes None.
    """
    from sklearn.datasets import load_sample_images

    photos = load_sample_images().images
    patches = [_patches(_reduced(photo, factor), side) for photo in photos]
    images = np.concatenate(patches)[:count]
    return Examples(
        "sample_images", images, np.zeros(len(images), np.int64), None
    )


def _patches(grey, side, rows=15, columns=20):
    """Returns (rows · columns, side, side, 1) from a grey photo (H, W)."""
    windows = np.lib.stride_tricks.sliding_window_view(grey, (side, side))
    down = np.linspace(0, len(windows) - 1, rows).astype(int)
    right = np.linspace(0, windows.shape[1] - 1, columns).astype(int)
    return windows[np.ix_(down, right)].reshape(-1, side, side, 1)


def _reduced(photo, factor):
    """Returns the grey means (H // factor, W // factor) uint8 of blocks.

    Grey is the mean of red, green and blue; sums are over integers, so that
    the result is the same on every machine.
    """
    height, width = (side // factor for side in photo.shape[:2])
    blocks = photo[: height * factor, : width * factor].reshape(
        height, factor, width, factor, -1
    )
    sums = blocks.sum(axis=(1, 3, 4), dtype=np.int64)
    return (sums // (factor**2 * photo.shape[2])).astype(np.uint8)
