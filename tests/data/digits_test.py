"""The digits' fixed split against scikit-learn's own arrays."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mimo_keras.data import digits
from mimo_keras.errors import InputError

FIRST_TEST_ROWS = [
    [0, 48, 239, 32, 0, 175, 128, 0],
    [0, 0, 128, 207, 128, 255, 0, 0],
]
FIRST_TEST_LABELS = [0, 2, 4, 6, 7, 8, 9, 3, 6, 7, 0, 1]


@pytest.fixture(scope="module")
def parts():
    return {split: digits.load(split) for split in ("train", "test")}


def _rows(images, labels):
    return [
        (*image.ravel().tolist(), label)
        for image, label in zip(images, labels.tolist(), strict=True)
    ]


def test_images_are_the_grey_levels_spread_over_a_byte(parts):
    source = load_digits()
    levels = [0, 16, 32, 48, 64, 80, 96, 112, 128]
    levels += [143, 159, 175, 191, 207, 223, 239, 255]
    at_level = np.array(levels)[source.images.astype(int)]
    wanted = _rows(at_level, source.target)
    found = [_rows(part.images, part.labels) for part in parts.values()]
    # All 1797 are different, so this also shows that the parts are disjoint.
    assert len(set(wanted)) == 1797
    assert sorted(found[0] + found[1]) == sorted(wanted)


def test_a_third_of_each_class_is_for_testing(parts):
    assert (len(parts["train"]), len(parts["test"])) == (1198, 599)
    everything = np.bincount(load_digits().target)
    for_testing = np.bincount(parts["test"].labels)
    assert np.all(np.abs(for_testing - everything / 3) < 1)
    assert parts["test"].num_classes == 10
    assert parts["test"].images.shape == (599, 8, 8, 1)
    assert parts["test"].images.dtype == np.uint8


def test_the_split_never_moves(parts):
    """Stored from the first run: results stay comparable."""
    first_test = parts["test"].images[:2, 2, :, 0]
    np.testing.assert_array_equal(first_test, FIRST_TEST_ROWS)
    assert parts["test"].labels[:12].tolist() == FIRST_TEST_LABELS


def test_training_images_are_spread_over_the_writers(parts):
    """Neighbours in the source share a writer; both parts need them all."""
    marks = digits._is_test(load_digits().target)
    shares = [part.mean() for part in np.array_split(marks, 13)]
    assert min(shares) > 0.2 and max(shares) < 0.47


def test_another_split_is_refused():
    with pytest.raises(InputError, match="split=train\\[:90%\\]"):
        digits.load("train[:90%]")


def test_scaled_digits_are_all_of_them_by_hand():
    """To twice the side, weights are 3/4 and 1/4; edges are repeated."""
    found = digits.scaled(16)
    parts = [digits.load(split).images for split in ("train", "test")]
    images = np.concatenate(parts)[..., 0].astype(float)
    assert found.images.shape == (1797, 16, 16, 1)
    inner = (9, 3, 3, 1)
    corner = images[:, 2:4, 4:6].reshape(-1, 4) @ np.array(inner) / 16
    # Row 5 is at 2.25, column 9 at 4.25.
    np.testing.assert_allclose(found.images[:, 5, 9, 0], corner, atol=0.5)
    np.testing.assert_array_equal(found.images[:, 0, 0, 0], images[:, 0, 0])
    np.testing.assert_array_equal(found.images[:, 15, 15, 0], images[:, 7, 7])
    assert digits.scaled(28).images.shape == (1797, 28, 28, 1)
