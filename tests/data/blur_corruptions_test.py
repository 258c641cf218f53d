"""Blurs against explicit convolutions and shapes with known results."""

import math

import numpy as np
import pytest

from mimo_keras.data import blur_corruptions

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8)).astype(float)


class Angle:
    """A fake random stream: every angle is the given one."""

    def __init__(self, degrees):
        self.degrees = degrees

    def uniform(self, low, high, size):
        assert (low, high) == (-45, 45)
        return np.full(size, self.degrees)


def convolved(images, kernel, mode):
    """Sums shifted copies of the padded images, by definition."""
    reach = len(kernel) // 2
    size = images.shape[1]
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)), mode)
    return sum(
        kernel[i, j] * padded[:, i : i + size, j : j + size]
        for i in range(len(kernel))
        for j in range(len(kernel))
    )


def gaussian(sigma, reach):
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    return np.outer(weights, weights)


@pytest.mark.parametrize(("sigma", "reach"), [(0.4, 2), (0.7, 3), (1.0, 4)])
def test_gaussian_blur_is_a_gaussian_to_four_sigma(sigma, reach):
    np.testing.assert_allclose(
        blur_corruptions.gaussian_blur(IMAGES, None, sigma),
        convolved(IMAGES, gaussian(sigma, reach), "edge"),
    )


CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5


@pytest.mark.parametrize(
    ("radius", "sigma", "kernel"),
    [
        # Below one pixel the disk is its centre: only the smoothing is left.
        (0.5, 0.6, gaussian(0.6, 1)),
        # With smoothing so narrow that neighbours get exp(-50), disks remain.
        (1.0, 0.1, CROSS),
        (1.5, 0.1, np.full((3, 3), 1 / 9)),
        (1.0, 0.2, convolved(np.pad(CROSS, 1)[None], gaussian(0.2, 1),
                             "constant")[0]),
    ],
)  # fmt: skip
def test_defocus_blur_is_a_smoothed_disk(radius, sigma, kernel):
    np.testing.assert_allclose(
        blur_corruptions.defocus_blur(IMAGES, None, radius, sigma),
        convolved(IMAGES, kernel, "reflect"),
    )


def test_motion_blur_smears_to_one_side():
    weights = np.exp(-(np.arange(7) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    expected = np.zeros_like(IMAGES)
    for distance, weight in enumerate(weights):
        columns = np.minimum(np.arange(8) + distance, 7)
        expected += weight * IMAGES[:, :, columns]
    np.testing.assert_allclose(
        blur_corruptions.motion_blur(IMAGES, Angle(0), 6, 1.5), expected
    )


def test_motion_blur_reads_between_pixels_at_an_angle():
    sigma, degrees = 1.0, 30
    ramp = np.add.outer(3.0 * np.arange(8), 5.0 * np.arange(8))[None]
    weights = [math.exp(-(t**2) / 2) for t in range(3)]
    travelled = sum(t * w for t, w in enumerate(weights)) / sum(weights)
    slope = 3 * math.sin(math.pi / 6) + 5 * math.cos(math.pi / 6)
    blurred = blur_corruptions.motion_blur(ramp, Angle(degrees), 2, sigma)
    # On a ramp, bilinear interpolation is exact away from the edges.
    np.testing.assert_allclose(
        blurred[:, :6, :6], ramp[:, :6, :6] + travelled * slope
    )


def test_motion_blur_gives_each_image_its_own_angle():
    same = np.repeat(IMAGES[:1], 2, axis=0)
    one, other = blur_corruptions.motion_blur(
        same, np.random.RandomState(0), 6, 1.5
    )
    assert np.abs(one - other).max() > 1


def test_zoom_blur_flattens_a_ramp_about_its_middle():
    rows, columns = np.mgrid[:8, :6]
    ramp = (4.0 * rows + 2.0 * columns)[None]
    zooms = [1, 1.01, 1.02, 1.03, 1.04, 1.05]
    factor = (1 + sum(1 / zoom for zoom in zooms)) / 7
    expected = factor * (4 * (rows - 3.5) + 2 * (columns - 2.5)) + 19
    np.testing.assert_allclose(
        blur_corruptions.zoom_blur(ramp, None, 5)[0], expected
    )


@pytest.mark.parametrize(
    ("operation", "constants"),
    [
        (blur_corruptions.gaussian_blur, (1.0,)),
        (blur_corruptions.defocus_blur, (1.5, 0.1)),
        (blur_corruptions.motion_blur, (9, 2.5)),
        (blur_corruptions.zoom_blur, (25,)),
    ],
)
def test_a_blank_image_stays_as_it_is(operation, constants):
    blank = np.full((2, 8, 8), 77.0)
    random = np.random.RandomState(0)
    np.testing.assert_allclose(operation(blank, random, *constants), blank)


class Neighbours:
    """A fake random stream: every pixel's neighbour is the given one."""

    def __init__(self, up, left):
        self.offsets = up, left

    def randint(self, low, high, size):
        assert (low, high, size[0]) == (0, 2, 2)
        return np.broadcast_to(np.array(self.offsets)[:, None], size)


def test_glass_blur_exchanges_pixels_by_hand():
    """Without blur, a pixel that is exchanged with the left goes all the way.

    From the right to the third column: the last pixel of a row comes to the
    second place, and those between move by one to the right.
    """
    found = blur_corruptions.glass_blur(IMAGES, Neighbours(0, 1), 1e-9, 1, 1)
    rows = IMAGES[:, 2:]
    wanted = np.concatenate(
        [rows[..., :1], rows[..., -1:], rows[..., 1:-1]], axis=2
    )
    np.testing.assert_allclose(found[:, 2:], wanted)
    np.testing.assert_allclose(found[:, :2], IMAGES[:, :2])
    still = blur_corruptions.glass_blur(IMAGES, Neighbours(0, 0), 1e-9, 1, 2)
    np.testing.assert_allclose(still, IMAGES)
    twice = blur_corruptions.glass_blur(IMAGES, Neighbours(0, 0), 0.4, 1, 1)
    blurred = blur_corruptions.gaussian_blur(IMAGES, None, 0.4)
    np.testing.assert_allclose(
        twice, blur_corruptions.gaussian_blur(blurred, None, 0.4)
    )
