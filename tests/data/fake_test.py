"""Fake images: their distribution, their seeds, and learnability."""

import numpy as np
import pytest

from mimo_keras.data import fake


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 6, 3)])
def test_classes_learned_from_one_seed_are_those_of_another(shape):
    train = fake.images(300, shape, 5, seed=1)
    test = fake.images(200, shape, 5, seed=2)
    means = np.stack(
        [train.images[train.labels == k].mean(axis=0) for k in range(5)]
    )
    distances = ((test.images[:, None] - means) ** 2).sum(axis=(2, 3, 4))
    assert np.mean(distances.argmin(axis=1) == test.labels) > 0.99


def test_images_are_patches_with_noise():
    examples = fake.images(4000, (8, 8, 1), 2, seed=0)
    assert examples.images.dtype == np.uint8
    assert np.bincount(examples.labels).min() > 1800
    images = examples.images[examples.labels == 0].astype(float)
    patches = images.mean(axis=0).reshape(4, 2, 4, 2)
    # The 4 pixels of a patch have the same mean, which differs by patch.
    assert np.ptp(patches, axis=(1, 3)).max() < 10
    assert patches.mean(axis=(1, 3)).std() > 30
    middle = np.abs(images.mean(axis=0) - 127) < 20
    np.testing.assert_allclose(images.std(axis=0)[middle], fake.NOISE, rtol=0.1)


def test_seeds():
    one, again, two = (
        fake.images(10, (4, 4, 3), 3, seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.images, again.images)
    np.testing.assert_array_equal(one.labels, again.labels)
    assert not np.array_equal(one.images, two.images)
