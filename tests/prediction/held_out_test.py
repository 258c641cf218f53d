"""Held-out examples from every kind of source, and what is refused."""

import warnings

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.prediction import held_out

IMAGES = np.arange(10.0).reshape(10, 1)
LABELS = np.arange(10) % 3


class _Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return IMAGES[rows], LABELS[rows]


def outputs(batch):
    return np.repeat(np.asarray(batch)[:, :, np.newaxis], 2, axis=1)


def _pairs():
    return [(IMAGES[:7], LABELS[:7]), (IMAGES[7:], LABELS[7:])]


@pytest.mark.parametrize(
    "data",
    [
        (IMAGES, LABELS),
        (IMAGES.tolist(), LABELS.tolist()),
        (_Sequence(), None),
        (iter(_pairs()), None),
    ],
)
def test_all_examples_are_collected_in_order(data):
    found, labels = held_out.collect(outputs, *data, batch_size=3)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, outputs(IMAGES))
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((IMAGES, None), "labels for the inputs. Received: labels=None"),
        ((IMAGES, LABELS[:4]), "Received: 4 labels for 10 inputs"),
        ((IMAGES, 3), "labels: an array, or a list .* Received: int"),
        ((IMAGES, {"a": LABELS}), "labels: an array.* Received: dict"),
        ((iter(_pairs()), LABELS), "labels inside the batches"),
        ((iter([IMAGES]), None), "Received: batches of ndarray"),
        ((iter([]), None), "held-out examples. Received: none"),
        ((None, None), "inputs, or batches of .* Received: NoneType"),
        ((IMAGES[:0], LABELS[:0]), "held-out examples. Received: none"),
    ],
)
def test_what_is_not_examples_is_one_line(data, message):
    with pytest.raises(InputError, match=message):
        held_out.collect(outputs, *data)


LOGITS = np.random.default_rng(0).normal(size=(9, 2, 3))
INDICES = np.arange(9) % 3


@pytest.mark.parametrize(
    "labels",
    [
        INDICES,
        INDICES[:, np.newaxis],
        INDICES.astype("float32"),
        INDICES.astype("uint8"),
        np.eye(3)[INDICES],
        np.eye(3, dtype=bool)[INDICES],
    ],
)
def test_labels_as_users_have_them(labels):
    with pytest.warns(UserWarning, match="9 examples are few"):
        logits, found = held_out.checked(LOGITS, labels)
    np.testing.assert_array_equal(found, INDICES)
    assert found.dtype == np.int64
    assert logits is not None


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (LOGITS, INDICES + 1, "labels from 0 to 2"),
        (LOGITS, INDICES - 1, "labels from 0 to 2"),
        (LOGITS, INDICES + 0.5, "labels of an integer type"),
        (LOGITS, np.full((9, 3), 1 / 3), "soft labels"),
        (LOGITS, INDICES[:4], "one for each row"),
        (np.where(LOGITS > 1, np.nan, LOGITS), INDICES, "finite logits"),
        (LOGITS[:2], INDICES[:2], "as many held-out examples as classes, 3"),
    ],
)
def test_what_does_not_fit_is_one_line(logits, labels, message):
    with pytest.raises(InputError, match=message) as caught:
        held_out.checked(logits, labels)
    assert "\n" not in str(caught.value)


def test_many_examples_do_not_warn():
    many = held_out.FEW // 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held_out.checked(np.tile(LOGITS, (many, 1, 1)), np.tile(INDICES, many))


def test_a_description_is_of_the_values():
    first = held_out.described(LOGITS, INDICES)
    assert first["examples"] == 9 and len(first["sha256"]) == 16
    assert held_out.described(LOGITS.copy(), INDICES) == first
    assert held_out.described(LOGITS + 1e-9, INDICES) != first
    assert held_out.described(LOGITS, INDICES[::-1]) != first


def test_lists_of_several_lengths_are_refused():
    with pytest.raises(InputError, match="Expected images: an array, or a li"):
        held_out.collect(outputs, [[1.0], [1.0, 2.0]], [0, 1])
