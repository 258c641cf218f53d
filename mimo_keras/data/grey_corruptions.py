"""CIFAR-C's corruptions of grey images, and the draws that they make.

The constants are CIFAR-C's, from its authors' script for CIFAR (Hendrycks and
Dietterich, ICLR 2019; `make_cifar_c.py` of their repository). Of its 19 types,
three are not possible here: `frost` overlays its authors' photographs, and
`saturate` and `spatter` need colour.
"""

import zlib

import numpy as np

from mimo_keras.data import (
    blur_corruptions,
    pixel_corruptions,
    shape_corruptions,
    weather_corruptions,
)

_SEED = 20190507  # Any fixed number; it is part of what a suite is.

OPERATIONS = {
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
    "glass_blur": (
        blur_corruptions.glass_blur,
        [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
    ),
    "snow": (
        weather_corruptions.snow,
        [
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ],
    ),
    "fog": (
        weather_corruptions.fog,
        [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)],
    ),
    "elastic_transform": (
        shape_corruptions.elastic_transform,
        [
            (0, 0, 0.08),
            (0.05, 0.2, 0.07),
            (0.08, 0.06, 0.06),
            (0.1, 0.04, 0.05),
            (0.1, 0.03, 0.03),
        ],
    ),
    "pixelate": (
        shape_corruptions.pixelate,
        [(0.95,), (0.9,), (0.85,), (0.75,), (0.65,)],
    ),
}
"""Type -> its operation and the constants of severities 1 to 5."""


def corrupt(images, kind, severity):
    """Returns grey images under one corruption, the same at every call.

    The draws depend only on the kind, the severity and a fixed seed, and come
    from `numpy.random.RandomState`, whose stream NumPy has frozen (NEP 19), so
    that every version gives the same suite.

    Args:
        images: (n, H, W, 1) uint8.
        kind: A key of `OPERATIONS`.
        severity: 1 (weakest) to 5.

    Returns:
        (n, H, W, 1) uint8, rounded to the nearest level.
    """
    operation, constants = OPERATIONS[kind]
    constants = dict(enumerate(constants, start=1))[severity]
    seed = [_SEED, zlib.crc32(kind.encode()), severity]
    levels = operation(
        images[..., 0].astype(np.float64),
        np.random.RandomState(seed),
        *constants,
    )
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)[..., None]
