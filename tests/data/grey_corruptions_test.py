"""The table of corruptions, and draws that are always the same."""

import numpy as np
import pytest

from mimo_keras.data import cifar100_c, grey_corruptions

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), np.uint8)


def test_all_but_three_types_are_possible_in_grey():
    known = {*grey_corruptions.OPERATIONS}
    assert {*cifar100_c.TYPES} - known == {"frost", "saturate", "spatter"}
    assert known < {*cifar100_c.TYPES}


@pytest.mark.parametrize("kind", grey_corruptions.OPERATIONS)
def test_a_set_is_the_same_at_every_call_and_has_the_images_form(kind):
    found = grey_corruptions.corrupt(IMAGES, kind, 2)
    assert (found.shape, found.dtype) == (IMAGES.shape, np.uint8)
    again = grey_corruptions.corrupt(IMAGES, kind, 2)
    np.testing.assert_array_equal(found, again)
    assert (found != IMAGES).any()
    assert (grey_corruptions.corrupt(IMAGES, kind, 5) != found).any()
