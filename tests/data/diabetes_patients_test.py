"""The diabetes data and its splits."""

import numpy as np
import pytest

from mimo_keras.data import diabetes_patients
from mimo_keras.data.examples import Examples
from mimo_keras.errors import InputError


def test_it_is_scikit_learns():
    found = diabetes_patients.load()
    assert found.images.shape == (442, 10) and found.labels.shape == (442, 1)
    # The first patient, as in the authors' table.
    first = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]
    np.testing.assert_allclose(found.images[0], first, rtol=1e-6)
    assert found.labels[0] == 151
    assert (found.labels.min(), found.labels.max()) == (25, 346)


def test_a_split_is_a_partition_scaled_by_its_training_part():
    examples = diabetes_patients.load()
    split = diabetes_patients.split(examples, 3)
    parts = split.train, split.validation, split.test
    assert [len(part) for part in parts] == [354, 44, 44]
    back = np.concatenate([part.labels for part in parts])
    back = back * split.std + split.mean
    np.testing.assert_allclose(
        np.sort(back, 0), np.sort(examples.labels, 0), rtol=1e-5
    )
    for array in (split.train.images, split.train.labels):
        np.testing.assert_allclose(array.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(array.std(axis=0), 1, rtol=1e-5)
    # Rows stay together: each patient's inputs and target.
    rows = np.concatenate([part.images for part in parts])
    order = np.lexsort(examples.images.T), np.lexsort(np.round(rows, 4).T)
    assert len(np.unique(np.round(rows, 4), axis=0)) == 442
    np.testing.assert_allclose(
        back[order[1]], examples.labels[order[0]], rtol=1e-4
    )
    again, other = (
        diabetes_patients.split(examples, index) for index in (3, 4)
    )
    np.testing.assert_array_equal(again.test.labels, split.test.labels)
    assert np.any(other.test.labels != split.test.labels)


def test_too_few_examples_are_refused():
    few = np.ones((9, 1), "float32")
    with pytest.raises(InputError, match="9 examples"):
        diabetes_patients.split(Examples("few", few, few, None), 0)
