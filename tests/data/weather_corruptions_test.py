"""Fog and snow: their layers by hand, and what they do to an image."""

import numpy as np

from mimo_keras.data import weather_corruptions

GREY = np.full((2, 28, 28), 102.0)


class Fixed:
    """A fake random stream: noise is its upper bound, and flakes are given."""

    def __init__(self, flakes=None):
        self.flakes = flakes

    def uniform(self, low, high, size):
        return np.full(size, float(high))

    def normal(self, mean, scale, size):
        return np.broadcast_to(self.flakes, size).astype(float)


def test_clouds_by_hand():
    """On 2x2 points: 0; the centre 0 / 4 + 1; twice (1 + 1 + 0 + 0) / 4 + 1.

    The noise is 1 in units of 100².
    """
    cloud = weather_corruptions.plasma(Fixed(), (1, 2, 2), 3)
    np.testing.assert_allclose(cloud[0] * 1.5, [[0, 1.5], [1.5, 1]], rtol=2e-4)


def test_clouds_cover_the_scale_and_differ():
    clouds = weather_corruptions.plasma(
        np.random.RandomState(0), (4, 28, 20), 2
    )
    assert clouds.shape == (4, 28, 20)
    assert clouds.min() >= 0 and clouds.max() <= 1
    assert np.ptp(clouds, axis=(1, 2)).min() > 0.5
    # Near points are alike: it is no noise.
    near = np.abs(np.diff(clouds, axis=1)).mean()
    assert near < 0.5 * np.abs(clouds[:, 14:] - clouds[:, :14]).mean()
    assert np.abs(clouds[0] - clouds[1]).max() > 0.1


def test_fog_keeps_the_brightest_level_at_most():
    images = GREY.copy()
    images[:, 3, 3] = 204
    found = weather_corruptions.fog(images, np.random.RandomState(1), 0.5, 3)
    # (x + 127.5 · cloud) · 204 / (204 + 127.5), for clouds in 0..1.
    assert found.min() >= 102 * 204 / 331.5 - 1e-9
    assert found.max() <= 204 + 1e-9
    assert np.ptp(found[0]) > 20


def test_snow_by_hand():
    """A vertical smear of one flake, and the same turned by 180 degrees."""
    flakes = np.zeros((28, 28))
    flakes[20, 5] = 0.9
    flakes[2, 2] = 0.4  # Less than the threshold.
    # An angle of -45 is the upper bound: smeared from the lower left.
    found = weather_corruptions.snow(
        GREY, Fixed(flakes), 0.1, 0.2, 1, 0.5, 1, 1.0, 0.8
    )
    paler = 0.8 * 102 + 0.2 * (1.5 * 102 + 127.5)
    layer = found - paler
    first = 1 / (1 + np.exp(-0.5))
    # A pixel further along the diagonal, part of the first one is read again.
    first += (1 - first) * (1 - 0.5**0.5) ** 2
    np.testing.assert_allclose(layer[:, 20, 5], 255 * 0.9 * first)
    np.testing.assert_allclose(layer[:, 7, 22], 255 * 0.9 * first)
    np.testing.assert_allclose(layer[:, 2, 2], 0, atol=1e-9)
    np.testing.assert_allclose(layer, layer[:, ::-1, ::-1], atol=1e-9)
    # All of both flakes, since their smears end inside.
    np.testing.assert_allclose(layer.sum((1, 2)), 2 * 255 * 0.9)
