"""Data set records are immutable, and have defaults."""

import dataclasses

import pytest

from mimo_keras.data.data_set import DataSet


def test_a_record_needs_four_facts_and_stays_as_it_is():
    record = DataSet(
        name="a", image_shape=(8, 8, 1), num_classes=2, read=lambda split: split
    )
    assert record.read("train") == "train"
    assert record.in_memory and record.mean is record.augment is None
    assert record.corruptions is None
    assert not record.out_of_distribution and not record.natural
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.num_classes = 3
    with pytest.raises(TypeError):
        record.natural["b"] = None
