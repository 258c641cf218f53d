"""Crops and flips against a NumPy twin, and the law of their draws."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.data import augmentation


def _twin(images, corners, flips, padding):
    """Pads, crops and mirrors one image after the other."""
    border = (padding, padding)
    padded = np.pad(images, ((0, 0), border, border, (0, 0)))
    height, width = images.shape[1:3]
    windows = []
    for image, (top, left), flip in zip(padded, corners, flips, strict=True):
        window = image[top : top + height, left : left + width]
        windows.append(window[:, ::-1] if flip else window)
    return np.stack(windows)


def _numbered(shape):
    """Images whose every pixel is different from the others and from 0."""
    return 1 + np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(1, 5)] * 4), st.integers(0, 4), st.randoms())
def test_crop_is_its_numpy_twin(shape, padding, random):
    images = _numbered(shape)
    corners = [
        [random.randint(0, 2 * padding) for _ in range(2)]
        for _ in range(shape[0])
    ]
    flips = [random.randint(0, 1) for _ in range(shape[0])]
    found = augmentation.crop(
        tf.constant(images), tf.constant(corners), tf.constant(flips), padding
    )
    np.testing.assert_array_equal(found, _twin(images, corners, flips, padding))


def _draws(images, seed, padding):
    """Recovers top, left and flip of each image from the output."""
    augmented = augmentation.crop_and_flip(padding)(images, seed).numpy()
    choices = [
        (top, left, flip)
        for top in range(2 * padding + 1)
        for left in range(2 * padding + 1)
        for flip in range(2)
    ]
    found = []
    for image, after in zip(images.numpy(), augmented, strict=True):
        fits = [
            choice
            for choice in choices
            if np.array_equal(
                _twin(image[None], [choice[:2]], [choice[2]], padding)[0],
                after,
            )
        ]
        assert len(fits) == 1
        found.append(fits[0])
    return np.array(found)


def test_every_place_and_both_sides_are_equally_likely():
    """A chi-square statistic for each draw, below its 0.1% quantile."""
    images = tf.constant(_numbered((900, 3, 4, 1)))
    top, left, flip = _draws(images, (5, 6), padding=1).T
    for draws, values, bar in (
        (top, 3, 13.8),
        (left, 3, 13.8),
        (flip, 2, 10.8),
    ):
        counts = np.bincount(draws, minlength=values)
        expected = 900 / values
        assert np.sum((counts - expected) ** 2 / expected) < bar
    # The draws of one image are independent.
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.12
    assert abs(np.corrcoef(left, flip)[0, 1]) < 0.12


def test_digits_are_shifted_but_not_flipped():
    """An image of 2x2 pixels, by at most one pixel: 9 windows, none flipped."""
    image = np.array([[1, 2], [3, 4]], np.uint8)[..., None]
    found = augmentation.crop_and_flip(1, flip=False)(
        np.stack([image] * 300), (3, 4)
    )
    padded = np.pad(image[..., 0], 1)
    windows = {
        tuple(padded[i : i + 2, j : j + 2].ravel())
        for i in range(3)
        for j in range(3)
    }
    assert {tuple(w) for w in np.reshape(found, (300, 4)).tolist()} == windows


def test_draws_are_a_function_of_the_seed():
    images = tf.constant(_numbered((64, 3, 3, 1)))
    augment = augmentation.crop_and_flip(2)
    once, again = augment(images, (1, 2)), augment(images, (1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, augment(images, (1, 3)))
    assert not np.array_equal(once, augment(images, (2, 2)))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_same_inside_a_dataset_of_unknown_batch_size(dtype):
    images = (_numbered((6, 4, 5, 3)) % 251).astype(dtype)
    augment = augmentation.crop_and_flip()
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(4)
    dataset = dataset.map(lambda batch: augment(batch, (7, 8)))
    assert dataset.element_spec.shape == (None, 4, 5, 3)
    full, partial = dataset.as_numpy_iterator()
    assert full.dtype == dtype
    np.testing.assert_array_equal(full, augment(images[:4], (7, 8)))
    np.testing.assert_array_equal(partial, augment(images[4:], (7, 8)))
