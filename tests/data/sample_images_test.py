"""Patches of the two sample photographs, pixel by pixel."""

import numpy as np
from sklearn.datasets import load_sample_images

from mimo_keras.data import digits, sample_images


def test_patches_are_block_means_from_edge_to_edge_of_the_photographs():
    examples = sample_images.load()
    temple, flower = load_sample_images().images
    # Reduced photographs have 106 x 160 pixels: patches start in rows 0, 7,
    # …, 98 and in columns 0, 8, …, 152.
    places = [
        (photo, row, column)
        for photo in (temple, flower)
        for row in range(0, 99, 7)
        for column in range(0, 153, 8)
    ]
    for index in (0, 19, 20, 299, 300, 451, 598):
        photo, row, column = places[index]
        crop = photo[4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
        for i, j in ((0, 0), (0, 7), (5, 2)):
            block = crop[4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
            assert examples.images[index, i, j, 0] == int(block.mean())


def test_patches_are_as_many_and_of_the_form_of_the_test_digits():
    examples = sample_images.load()
    test = digits.load("test")
    assert examples.images.shape == test.images.shape
    assert examples.images.dtype == test.images.dtype
    np.testing.assert_array_equal(examples.labels, np.zeros(len(test)))
    assert examples.num_classes is None
    np.testing.assert_array_equal(examples.images, sample_images.load().images)


def test_patches_differ_from_each_other():
    images = sample_images.load().images.reshape(599, -1)
    assert len(np.unique(images, axis=0)) == 599


def test_patches_of_another_size_are_cut_from_the_photographs_themselves():
    found = sample_images.load(side=28, factor=1, count=600)
    assert found.images.shape == (600, 28, 28, 1)
    photos = load_sample_images().images
    # The last patches end at the last row and column.
    for index, photo in ((299, photos[0]), (599, photos[1])):
        wanted = photo[-28:, -28:].astype(int).sum(-1) // 3
        np.testing.assert_array_equal(found.images[index, ..., 0], wanted)
