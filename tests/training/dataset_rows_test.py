"""The sizes of batches follow from how a data set was made."""

import itertools

import pytest
import tensorflow as tf

from mimo_keras.training import dataset_rows


def batched(size=4, rows=10):
    return tf.data.Dataset.range(rows).batch(size)


def axes(dataset):
    return dataset.element_spec.shape.rank


MADE = {
    "batch": lambda: batched(),
    "batch, all full": lambda: tf.data.Dataset.range(9).batch(4, True),
    "padded_batch": lambda: tf.data.Dataset.range(10).padded_batch(4),
    "take": lambda: batched().take(2),
    "take all": lambda: batched().take(-1),
    "take more": lambda: batched().take(9),
    "skip": lambda: batched().skip(2),
    "skip all": lambda: batched().skip(-1),
    "shard": lambda: batched().shard(2, 0),
    "repeat": lambda: batched().repeat(3).prefetch(2),
    "concatenate": lambda: batched().concatenate(batched(3)).cache(),
    "concatenate, then all": lambda: (
        batched().concatenate(batched(3)).skip(2).repeat(2).take(7)
    ),
    "of one": lambda: batched(1).map(lambda x: x + 1),
}


@pytest.mark.parametrize("name", MADE)
def test_the_sizes_are_those_of_the_batches(name):
    dataset = MADE[name]()
    wanted = [len(batch) for batch in dataset.as_numpy_iterator()]
    assert [*dataset_rows.of_dataset(dataset, axes)] == wanted


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: batched().repeat(), [4, 4, 2, 4, 4]),
        (lambda: tf.data.Dataset.range(3).repeat().batch(4), [4] * 5),
        (lambda: batched().repeat().repeat(2), [4, 4, 2, 4, 4]),
        (lambda: batched().repeat().skip(2), [2, 4, 4, 2, 4]),
    ],
)
def test_endless_data_sets_have_endless_sizes(make, wanted):
    sizes = dataset_rows.of_dataset(make(), axes)
    assert [*itertools.islice(sizes, 5)] == wanted


@pytest.mark.parametrize(
    "make",
    [
        lambda: batched().filter(lambda x: True),
        lambda: batched().concatenate(batched().filter(lambda x: True)),
        lambda: batched().unbatch(),
        lambda: batched().filter(lambda x: True).repeat(2).take(1),
        lambda: tf.data.Dataset.sample_from_datasets([batched(), batched()]),
    ],
)
def test_of_others_nothing_is_known(make):
    assert dataset_rows.of_dataset(make(), axes) is None
