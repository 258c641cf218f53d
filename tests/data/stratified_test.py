"""The seeded order: reproducible, whole, and each part in proportion."""

import numpy as np
import pytest

from mimo_keras.data import stratified

# Of 40, 20 and 10 images, in no particular order.
LABELS = np.tile([0, 1, 0, 2, 0, 1, 0], 10)


def test_every_part_has_its_share_of_each_class():
    order = stratified.order(LABELS, 3)
    np.testing.assert_array_equal(np.sort(order), np.arange(70))
    for count in range(1, 71):
        for part in (order[:count], order[-count:]):
            found = np.bincount(LABELS[part], minlength=3)
            wanted = count * np.array([4, 2, 1]) / 7
            assert np.abs(found - wanted).max() <= 1, count


def test_by_hand():
    """Of classes of 4 and 2, places are 1/8, 3/8, 5/8, 7/8 and 1/4, 3/4."""
    labels = np.array([1, 0, 0, 1, 0, 0])
    for seed in range(5):
        order = stratified.order(labels, seed)
        assert labels[order].tolist() == [0, 1, 0, 0, 1, 0]
        # Within a class, the order is that of the permutation.
        shuffled = np.random.RandomState(seed).permutation(6)
        for label in (0, 1):
            mine = shuffled[labels[shuffled] == label]
            assert order[labels[order] == label].tolist() == mine.tolist()


def test_the_seed_decides():
    order = stratified.order(LABELS, 0).tolist()
    assert stratified.order(LABELS, 0).tolist() == order
    assert stratified.order(LABELS, 1).tolist() != order


@pytest.mark.parametrize("count", [0, 1])
def test_few_examples(count):
    assert stratified.order(LABELS[:count], 0).tolist() == [*range(count)]
