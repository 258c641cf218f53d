"""The corrupted digits: scikit-learn's 8x8 digits under CIFAR-C's corruptions.

The constants are CIFAR-C's, from its authors' script for CIFAR (Hendrycks and
Dietterich, ICLR 2019; `make_cifar_c.py` of their repository). ImageNet-C's are
too strong for images this small. Lengths are in pixels, as published: a digit's
strokes are about two pixels wide, and at 8/32 of its length no blur would reach
the next pixel.

Of CIFAR-C's 19 types these are left out, since they are meaningless at 8x8 in
grey:

- `glass_blur`: its first level already exchanges most pixels of a stroke with
  a neighbour, which removes the digit, and its levels are not in order of
  their distance to the clean image.
- `pixelate`: the five sides, int(8c), are 7, 7, 6, 6 and 5, and 5 pixels are
  closer to the clean image than 6.
- `elastic_transform`: its displacements scale with the side, and are fractions
  of a pixel.
- `snow`, `frost`, `fog`, `spatter`: weather, overlaid on photographs.
- `saturate`: there is no colour.
"""

import zlib

import numpy as np

from mimo_keras.data import blur_corruptions, pixel_corruptions

_SEED = 20190507  # Any fixed number; it is part of what the suite is.

# Type -> its operation and the constants of severities 1 to 5.
SUITE = {
    "gaussian_noise": (
        pixel_corruptions.gaussian_noise,
        [(0.04,), (0.06,), (0.08,), (0.09,), (0.10,)],
    ),
    "shot_noise": (
        pixel_corruptions.shot_noise,
        [(500,), (250,), (100,), (75,), (50,)],
    ),
    "impulse_noise": (
        pixel_corruptions.impulse_noise,
        [(0.01,), (0.02,), (0.03,), (0.05,), (0.07,)],
    ),
    "speckle_noise": (
        pixel_corruptions.speckle_noise,
        [(0.06,), (0.1,), (0.12,), (0.16,), (0.2,)],
    ),
    "gaussian_blur": (
        blur_corruptions.gaussian_blur,
        [(0.4,), (0.6,), (0.7,), (0.8,), (1.0,)],
    ),
    "defocus_blur": (
        blur_corruptions.defocus_blur,
        [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)],
    ),
    "motion_blur": (
        blur_corruptions.motion_blur,
        [(6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)],
    ),
    "zoom_blur": (
        blur_corruptions.zoom_blur,
        [(5,), (10,), (15,), (20,), (25,)],
    ),
    "brightness": (
        pixel_corruptions.brightness,
        [(0.05,), (0.1,), (0.15,), (0.2,), (0.3,)],
    ),
    "contrast": (
        pixel_corruptions.contrast,
        [(0.75,), (0.5,), (0.4,), (0.3,), (0.15,)],
    ),
    "jpeg_compression": (
        pixel_corruptions.jpeg_compression,
        [(80,), (65,), (58,), (50,), (40,)],
    ),
}


def corrupt(images, kind, severity):
    """Returns grey images under one corruption, the same at every call.

    The draws depend only on the kind, the severity and a fixed seed, and come
    from `numpy.random.RandomState`, whose stream NumPy has frozen (NEP 19), so
    that every version gives the same suite.

    Args:
        images: (n, H, W, 1) uint8.
        kind: A key of `SUITE`.
        severity: 1 (weakest) to 5.

    Returns:
        (n, H, W, 1) uint8, rounded to the nearest level.
    """
    operation, constants = SUITE[kind]
    constants = dict(enumerate(constants, start=1))[severity]
    seed = [_SEED, zlib.crc32(kind.encode()), severity]
    levels = operation(
        images[..., 0].astype(np.float64),
        np.random.RandomState(seed),
        *constants,
    )
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)[..., None]
