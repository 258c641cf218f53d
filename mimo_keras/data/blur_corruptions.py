"""Blurs of grey images.

Each takes grey images (n, H, W) in levels 0..255 as float64, a
`numpy.random.RandomState` and its severity's constants, and returns images
of the same form. Lengths are in pixels. The operations are those of CIFAR-C
(Hendrycks and Dietterich, ICLR 2019), written with `scipy.ndimage`.
"""

import numpy as np

from mimo_keras.data import interpolation


def gaussian_blur(images, _random, sigma):
    """Returns images after a Gaussian blur of `sigma` pixels, edge-padded."""
    from scipy import ndimage

    return ndimage.gaussian_filter(
        images, sigma=(0, sigma, sigma), mode="nearest"
    )


def defocus_blur(images, _random, radius, sigma):
    """Returns images blurred by a disk of uniform weight, edges mirrored.

    Args:
        images: (n, H, W).
        radius: Radius of the disk, which covers the pixels within it.
        sigma: Sigma of the 3x3 Gaussian that smooths the disk itself.
    """
    from scipy import ndimage

    reach = int(radius) + 1
    offsets = np.arange(-reach, reach + 1)
    disk = offsets[:, None] ** 2 + offsets**2 <= radius**2
    kernel = ndimage.gaussian_filter(
        disk / disk.sum(), sigma, radius=1, mode="constant"
    )
    return ndimage.convolve(images, kernel[None], mode="mirror")


def motion_blur(images, random, length, sigma):
    """Returns images smeared to one side along a line, edges repeated.

    The weight at distance t is proportional to exp(−t² / 2σ²). Each image has
    its own angle, uniform within 45 degrees of the horizontal.

    Args:
        images: (n, H, W).
        random: Random state that draws the angles.
        length: The largest t, an integer.
        sigma: σ.
    """
    return smeared(images, random.uniform(-45, 45, len(images)), length, sigma)


def smeared(images, degrees, length, sigma):
    """Returns images smeared as `motion_blur` does, at given angles.

    Args:
        images: (n, H, W).
        degrees: (n,) angles, from the right downwards.
        length: The largest t, an integer.
        sigma: σ.
    """
    angles = np.deg2rad(degrees)[:, None, None]
    down, right = np.sin(angles), np.cos(angles)
    row, column = np.indices(images.shape)[1:]
    distances = np.arange(length + 1)
    weights = np.exp(-(distances**2) / (2 * sigma**2))
    return sum(
        weight * sampled(images, row + t * down, column + t * right)
        for t, weight in zip(distances, weights / weights.sum(), strict=True)
    )


def zoom_blur(images, _random, percent):
    """Returns the mean of the image and of its zooms by 1, 1.01, 1.02, ….

    Args:
        images: (n, H, W), zoomed about their centre, edges repeated.
        percent: By how many per cent the last zoom exceeds 1.
    """
    zooms = 1 + np.arange(percent + 1) / 100
    return (images + sum(zoomed(images, z) for z in zooms)) / (1 + len(zooms))


def glass_blur(images, random, sigma, reach, times):
    """Returns images whose pixels were exchanged with neighbours.

    Between two Gaussian blurs, every pixel further than `reach` from the upper
    and left edges, from the last to the first, is exchanged with one of the
    square of pixels that ends at itself. That is what CIFAR-C's code does to
    grey images; in colour it copies the neighbour and keeps it where it was,
    since its pixels are then NumPy views, and so is weaker.

    Args:
        images: (n, H, W).
        random: Random state that draws the neighbours.
        sigma: Of both blurs, in pixels.
        reach: How far up and to the left the square reaches.
        times: How often all of this is done.
    """
    images = gaussian_blur(images, random, sigma).copy()
    count, height, width = images.shape
    each = np.arange(count)
    for _ in range(times):
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                up, left = random.randint(0, reach + 1, (2, count))
                other = each, row - up, column - left
                kept = images[:, row, column].copy()
                images[:, row, column] = images[other]
                images[other] = kept
    return gaussian_blur(images, random, sigma)


def zoomed(images, zoom):
    """Returns images (n, H, W) zoomed about their centre, edges repeated."""
    rows, columns = (
        interpolation.linear((np.arange(side) - mid) / zoom + mid, side)
        for side, mid in ((s, (s - 1) / 2) for s in images.shape[1:])
    )
    return rows @ images @ columns.T


def sampled(images, row, column, mode="nearest"):
    """Returns images sampled bilinearly at real-valued positions.

    Args:
        images: (n, H, W).
        row: (n, H, W).
        column: (n, H, W).
        mode: What is beyond the edges, as in `scipy.ndimage`.
    """
    from scipy import ndimage

    index = np.indices(images.shape)[0]
    return ndimage.map_coordinates(
        images, (index, row, column), order=1, mode=mode
    )
