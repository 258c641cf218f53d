"""Records written here are read as those that TFDS prepares itself."""

import numpy as np
import pytest

from mimo_keras.data import class_folders, record_writing, sources
from mimo_keras.data.photographs import training_crops
from mimo_keras.errors import InputError
from tests.published_data import write_photographs as write


def drawn(count, seed):
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return images, draw.integers(0, 10, count)


def test_a_set_that_tfds_knows(tmp_path, capsys):
    splits = {"train": drawn(7, 0), "test": drawn(3, 1)}
    where = record_writing.write_arrays("fashion_mnist", splits, tmp_path)
    assert where.is_relative_to(tmp_path / "fashion_mnist")
    for split, (images, labels) in splits.items():
        found = sources.load("fashion_mnist", split, data_dir=tmp_path)
        np.testing.assert_array_equal(found.images, images)
        np.testing.assert_array_equal(found.labels, labels)
        assert found.num_classes == 10
    with pytest.raises(InputError, match="no data set fashion_mnist yet. Rec"):
        record_writing.write_arrays("fashion_mnist", splits, tmp_path)
    assert capsys.readouterr().out == ""


def test_photographs_of_ones_own(tmp_path):
    names = [f"{c}/{c * i}.jpg" for c in "abc" for i in range(1, 5)]
    write(tmp_path / "in", *names)
    splits, classes = class_folders.found(tmp_path / "in", 0.25)
    record_writing.write_photographs(splits, classes, tmp_path / "out")
    where = {"data_dir": tmp_path / "out", "size": 4}
    test = sources.load("folder", "test", **where)
    assert (len(test), test.num_classes, test.name) == (3, 3, "folder")
    ((images, labels),) = test.evaluation_batches(8)
    # The shade of a photograph is the length of its name.
    shade = {
        k: len(p.relative_to(tmp_path / "in").as_posix())
        for p, k in splits["test"]
    }
    assert {*labels.tolist()} == {0, 1, 2}
    for image, label in zip(images, labels.tolist(), strict=True):
        assert image.shape == (4, 4, 3)
        assert np.abs(image.astype(int) - shade[label]).max() <= 1
    train = sources.load("folder", "train", **where)
    batches = training_crops(train, 3, seed=0, epochs=1)
    found = [label for _, labels in batches for label in labels.numpy()]
    assert np.bincount(found).tolist() == [3, 3, 3]


def test_photographs_that_are_not_there_say_how_to_get_them(tmp_path):
    with pytest.raises(InputError, match="prepare.py writes it from a folder"):
        sources.load("folder", "train", data_dir=tmp_path)
