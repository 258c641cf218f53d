"""Fixtures for the readers of data sets."""

import numpy as np
import pytest

from tests import prepared_data
from tests.data.numbered import EACH, FILES, SIZE, Numbered, write


@pytest.fixture
def write_tfds():
    """A function that writes given images and labels as TFDS itself would."""
    return prepared_data.write


@pytest.fixture
def store_tfds(write_tfds):
    """A function that writes a small random data set as TFDS itself would."""

    def store(data_dir, name, classes, count=4, split="test", seed=0):
        """Stores random images and returns them.

        Args:
            data_dir: The folder for prepared data.
            name: TFDS's name, such as "cifar10_corrupted/fog_3".
            classes: The number of classes.
            count: The number of images.
            split: The name of the split.
            seed: Of the images and labels.

        Returns:
            Images (count, 32, 32, 3) uint8 and labels (count,) int64.
        """
        draw = np.random.default_rng(seed)
        images = draw.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        labels = draw.integers(1, classes, count)
        write_tfds(data_dir, name, {split: (images, labels)})
        return images, labels

    return store


@pytest.fixture
def numbered(tmp_path):
    """30 photographs, numbered by their labels, in five record files."""
    paths = []
    for index in range(FILES):
        path = str(tmp_path / f"part-{index}.tfrecord")
        write(path, range(index * EACH, (index + 1) * EACH))
        paths.append(path)
    return Numbered(
        name="numbered",
        num_classes=FILES * EACH,
        size=SIZE,
        files=tuple(paths),
        lengths=(EACH,) * FILES,
        features=None,
    )
