"""Deformations with known results, and pixels by block means."""

import numpy as np

from mimo_keras.data import shape_corruptions

RAMP = np.indices((28, 28))[0] * 9.0 + np.indices((28, 28))[1] * 0.25
IMAGES = np.stack([RAMP, RAMP[::-1]])


class Fixed:
    """A fake random stream: every number is the upper bound."""

    def uniform(self, low, high, size):
        return np.full(size, float(high))


def test_without_constants_nothing_changes():
    found = shape_corruptions.elastic_transform(IMAGES, Fixed(), 0, 0, 0)
    np.testing.assert_allclose(found, IMAGES, atol=1e-9)


def test_corners_that_move_alike_move_the_image():
    """By 2 of 28 pixels down and right, mirrored at the edges."""
    found = shape_corruptions.elastic_transform(IMAGES, Fixed(), 0, 0, 2 / 28)
    np.testing.assert_allclose(found[:, 2:, 2:], IMAGES[:, :-2, :-2], atol=1e-9)
    np.testing.assert_allclose(found[:, 1, 4], IMAGES[:, 1, 2])
    np.testing.assert_allclose(found[:, 0, 4], IMAGES[:, 2, 2])


def test_smoothed_noise_that_is_constant_moves_the_image_back():
    """Noise of 1 everywhere stays 1: pixels come from 28 / 14 further on."""
    found = shape_corruptions.elastic_transform(IMAGES, Fixed(), 1 / 14, 0.1, 0)
    np.testing.assert_allclose(found[:, :-2, :-2], IMAGES[:, 2:, 2:], atol=1e-9)


def test_an_affine_map_takes_its_corners_where_they_should_be():
    before = np.random.default_rng(0).uniform(0, 28, (5, 3, 2))
    after = np.array([(23, 23), (23, 5), (5, 5)])
    found = shape_corruptions._affine(before, after)
    ones = np.ones((5, 3, 1))
    places = np.concatenate([before, ones], axis=2) @ found
    np.testing.assert_allclose(places, np.broadcast_to(after, (5, 3, 2)))


def test_pixels_of_half_the_size_are_block_means():
    found = shape_corruptions.pixelate(IMAGES, None, 0.5)
    means = np.rint(IMAGES).reshape(2, 14, 2, 14, 2).mean((2, 4))
    wanted = means.repeat(2, axis=1).repeat(2, axis=2)
    # Rounded after each of two passes.
    np.testing.assert_allclose(found, wanted, atol=1)
    assert len(np.unique(shape_corruptions.pixelate(IMAGES, None, 0.65)[0])) < (
        18 * 18 + 1
    )
