"""Corruptions of shapes in grey images: elastic deformation and large pixels.

Each takes grey images (n, H, W) in levels 0..255 as float64, a
`numpy.random.RandomState` and its severity's constants, and returns images
of the same form. The operations are those of CIFAR-C (Hendrycks and
Dietterich, ICLR 2019).
"""

import numpy as np

from mimo_keras.data import blur_corruptions


def elastic_transform(images, random, amount, sigma, affine):
    """Returns deformed images, sampled bilinearly and mirrored at the edges.

    A random affine transformation moves three corners of a square about the
    centre; then every pixel is displaced by smoothed noise. Constants are
    relative to the images' side.

    Args:
        images: (n, H, W).
        random: Random state.
        amount: Factor on the displacements, noise in -1..1.
        sigma: Of the Gaussian that smooths them.
        affine: How far the corners move along each axis at most.
    """
    from scipy import ndimage

    side = min(images.shape[1:])
    middle, reach = np.array(images.shape[1:]) // 2, side // 3
    corners = middle + reach * np.array([(1, 1), (1, -1), (-1, -1)])
    moved = random.uniform(-affine, affine, (len(images), 3, 2)) * side
    back = _affine(corners + moved, corners)
    places = np.indices(images.shape)[1:].astype(float)
    if amount:
        noise = random.uniform(-1, 1, (2, *images.shape))
        width = (0, 0, sigma * side, sigma * side)
        smooth = ndimage.gaussian_filter(noise, width, truncate=3.0)
        places += amount * side * smooth
    places = np.stack([*places, np.ones(images.shape)], axis=-1)
    places = np.einsum("nhwa,nab->bnhw", places, back)
    return blur_corruptions.sampled(images, *places, mode="mirror")


def _affine(before, after):
    """Returns the maps (n, 3, 2) of points (row, column, 1) onto others.

    Args:
        before: (n, 3, 2).
        after: (3, 2).
    """
    ones = np.ones((*before.shape[:2], 1))
    target = np.broadcast_to(after.astype(float), before.shape)
    return np.linalg.solve(np.concatenate([before, ones], axis=2), target)


def pixelate(images, _random, share):
    """Returns images of fewer, larger pixels: int(share · side) along a side.

    Each of these is the mean of those whose centres are in it.
    """
    from PIL import Image

    levels = np.rint(images).astype(np.uint8)
    height, width = images.shape[1:]
    small = int(share * width), int(share * height)
    box = Image.Resampling.BOX
    return np.stack(
        [
            np.asarray(
                Image.fromarray(image)
                .resize(small, box)
                .resize((width, height), box),
                np.float64,
            )
            for image in levels
        ]
    )
