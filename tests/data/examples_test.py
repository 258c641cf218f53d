"""What `Examples.checked` accepts and rejects, and subsets."""

import numpy as np
import pytest

from mimo_keras.data.examples import Examples
from mimo_keras.errors import InputError


def _sound(**changes):
    fields = {
        "name": "some",
        "images": np.arange(5 * 2 * 2, dtype=np.uint8).reshape(5, 2, 2, 1),
        "labels": np.array([0, 1, 2, 1, 0]),
        "num_classes": 3,
    }
    return Examples(**fields | changes)


def _targets(values):
    return _sound(labels=np.asarray(values), num_classes=None)


def _with(value, dtype, shape, at):
    array = np.zeros(shape, dtype)
    array[at] = value
    return array


@pytest.mark.parametrize(
    "examples",
    [
        _sound(),
        _sound(images=np.zeros((5, 3), np.float32)),
        _targets(np.zeros((5, 2), np.float32)),
    ],
)
def test_sound_examples_come_back_themselves(examples):
    assert examples.checked() is examples


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (_sound(images=np.zeros((5, 2, 2, 1))), "dtype=float64"),
        (_sound(images=np.zeros((5, 2, 2), np.uint8)), r"shape=\(5, 2, 2\)"),
        (_sound(images=np.zeros((0, 2, 2, 1), np.uint8)), "n at least 1"),
        (_sound(labels=np.array([0, 1])), "images=5, labels=2"),
        (_sound(labels=np.array([0, 1, 3, -1, 0])), r"0..2 .*labels\[2\]=3"),
        (_sound(labels=np.array([0, 1, 2, -1, 0])), r"labels\[3\]=-1"),
        (_sound(labels=np.zeros(5, np.int32)), "dtype=int32"),
        (_sound(labels=np.zeros((5, 1), np.int64)), r"shape=\(5, 1\)"),
        (_targets([0, 1, 2, 1, 0]), r"shape=\(5,\), dtype=int64"),
        (
            _targets(_with(np.inf, np.float32, (5, 2), (3, 1))),
            r"finite labels .*labels\[3\]",
        ),
        (
            _sound(images=_with(np.nan, np.float32, (5, 2, 2, 1), (2, 1, 0))),
            r"finite images .*images\[2\]",
        ),
    ],
)
def test_unsound_examples_are_named_in_one_line(examples, message):
    with pytest.raises(InputError, match=message) as caught:
        examples.checked()
    assert "\n" not in str(caught.value)
    assert "some" in str(caught.value)


def test_take_and_subset_keep_images_with_their_labels():
    examples = _sound()
    assert len(examples) == 5
    first = examples.take(2)
    assert (first.name, first.num_classes) == ("some", 3)
    np.testing.assert_array_equal(first.images, examples.images[:2])
    np.testing.assert_array_equal(first.labels, [0, 1])
    assert len(examples.take(9)) == 5
    odd = examples.subset([3, 1, 3])
    np.testing.assert_array_equal(odd.images[:, 0, 0, 0], [12, 4, 12])
    np.testing.assert_array_equal(odd.labels, [1, 1, 1])
    masked = examples.subset(examples.labels == 2)
    np.testing.assert_array_equal(masked.images, examples.images[2:3])
