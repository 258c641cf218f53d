"""Corruptions of single pixels: noise, tone and JPEG.

Each takes grey images (n, H, W) in levels 0..255 as float64, a
`numpy.random.RandomState` and its severity's constants, and returns images
of the same form that may exceed 0..255. The formulas are those of CIFAR-C
(Hendrycks and Dietterich, ICLR 2019) for images without colour, with constants
for levels in 0..1. Levels are integers here, so that means and ties are exact
and the rounded result is the same on every machine.
"""

import io

import numpy as np

WHITE = 255.0
_BLOCK = 8
_TALLEST = 65_500
"""Largest number of rows that libjpeg accepts."""


def gaussian_noise(images, random, scale):
    """Returns x + N(0, scale²)."""
    return images + WHITE * random.normal(scale=scale, size=images.shape)


def shot_noise(images, random, photons):
    """Returns Poisson(photons · x) / photons: a sensor's shot noise."""
    return WHITE / photons * random.poisson(images / WHITE * photons)


def impulse_noise(images, random, amount):
    """Returns images where each pixel is replaced with probability `amount`.

    Replaced pixels become black or white with equal probability.
    """
    draws = random.uniform(size=images.shape)
    peppered = np.where(draws < amount / 2, 0.0, images)
    return np.where(draws >= 1 - amount / 2, WHITE, peppered)


def speckle_noise(images, random, scale):
    """Returns x + x · N(0, scale²)."""
    return images * (1 + random.normal(scale=scale, size=images.shape))


def brightness(images, _random, offset):
    """Returns x + offset: on grey, the same as adding to the value of HSV."""
    return images + WHITE * offset


def contrast(images, _random, factor):
    """Returns mean + factor · (x − mean), with each image's own mean."""
    means = images.mean(axis=(1, 2), keepdims=True)
    return means + factor * (images - means)


def jpeg_compression(images, _random, quality):
    """Returns images after JPEG compression of the given quality in 1..100.

    Grey JPEG encodes blocks of 8x8 levels independently. Images made of whole
    blocks can therefore share a file, stacked vertically, with the same result
    as separate files, a hundred times faster.
    """
    levels = np.rint(images).astype(np.uint8)
    rows = images.shape[1]
    together = 1 if rows % _BLOCK else max(1, _TALLEST // rows)
    files = [levels[i : i + together] for i in range(0, len(levels), together)]
    return np.concatenate([_through_jpeg(x, quality) for x in files]) * 1.0


def _through_jpeg(images, quality):
    """Returns uint8 images (n, H, W) encoded and decoded as one JPEG file."""
    from PIL import Image

    file = io.BytesIO()
    tall = images.reshape(-1, images.shape[-1])
    Image.fromarray(tall).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(images.shape)
