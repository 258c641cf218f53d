"""Fog and snow on grey images.

Each takes grey images (n, H, W) in levels 0..255 as float64, a
`numpy.random.RandomState` and its severity's constants, and returns images
of the same form that may exceed 0..255. The operations are those of CIFAR-C
(Hendrycks and Dietterich, ICLR 2019) for images without colour. Its frost is
not here: it overlays its authors' photographs of frost.
"""

import numpy as np

from mimo_keras.data import blur_corruptions
from mimo_keras.data.pixel_corruptions import WHITE


def fog(images, random, amount, decay):
    """Returns images under a layer of fog, darkened to keep their maximum.

    Args:
        images: (n, H, W).
        random: Random state that draws the fog.
        amount: Factor on the layer, whose levels are from black to white.
        decay: How much less each finer level of detail varies.
    """
    brightest = images.max(axis=(1, 2), keepdims=True)
    layer = amount * WHITE * plasma(random, images.shape, decay)
    return (images + layer) * brightest / (brightest + amount * WHITE)


def plasma(random, shape, decay):
    """Returns clouds in 0..1 by the diamond-square algorithm.

    On a grid that wraps around, the centre of every square of points and then
    that of every diamond get the mean of its four corners plus noise, uniform
    within ± a²; a is 100 at first and is divided by `decay` whenever the
    squares' side is halved.

    Args:
        random: Random state.
        shape: (n, H, W).
        decay: What a is divided by.
    """
    count, *sides = shape
    step = 2 ** int(np.ceil(np.log2(max(sides))))
    cloud = np.zeros((count, step, step))
    reach = 100.0

    def around(corners):
        return corners / 4 + reach**2 * random.uniform(-1, 1, corners.shape)

    while step >= 2:
        half = step // 2
        corner = cloud[:, ::step, ::step]
        across = corner + np.roll(corner, -1, axis=2)
        down = corner + np.roll(corner, -1, axis=1)
        centre = around(across + np.roll(across, -1, axis=1))
        cloud[:, half::step, half::step] = centre
        above = centre + np.roll(centre, 1, axis=1)
        beside = centre + np.roll(centre, 1, axis=2)
        cloud[:, ::step, half::step] = around(above + across)
        cloud[:, half::step, ::step] = around(beside + down)
        step, reach = half, reach / decay
    cloud -= cloud.min(axis=(1, 2), keepdims=True)
    cloud /= cloud.max(axis=(1, 2), keepdims=True)
    return cloud[:, : sides[0], : sides[1]]


def snow(images, random, mean, scale, zoom, least, length, sigma, share):
    """Returns paler images under flakes that fall from above.

    Args:
        images: (n, H, W).
        random: Random state that draws the flakes, N(mean, scale²) a pixel.
        mean: Of the levels in 0..1 from which flakes are made.
        scale: Their standard deviation.
        zoom: How much flakes are larger than a pixel.
        least: Level from which there is a flake.
        length: How far it is smeared, in pixels.
        sigma: Of the smear.
        share: Share of the image; the rest is 1.5 times it plus half white.
    """
    flakes = random.normal(mean, scale, images.shape)
    flakes = blur_corruptions.zoomed(flakes, zoom)
    flakes = np.clip(np.where(flakes < least, 0, flakes), 0, 1)
    angles = random.uniform(-135, -45, len(images))
    flakes = blur_corruptions.smeared(flakes, angles, length, sigma)
    flakes = WHITE * (flakes + flakes[:, ::-1, ::-1])
    paler = np.maximum(images, 1.5 * images + WHITE / 2)
    return share * images + (1 - share) * paler + flakes
