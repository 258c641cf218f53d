"""CIFAR-100-C in its authors' layout, whole and damaged."""

import os
import pickle

import numpy as np
import pytest

from mimo_keras.data import cifar100_c
from mimo_keras.errors import InputError
from tests.published_data import copied

COUNT = 3


@pytest.fixture
def written(tmp_path):
    """The folder, its images by severity, (5, 3, 32, 32, 3), and labels."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (5, COUNT, 32, 32, 3), dtype=np.uint8)
    labels = np.array([7, 99, 0], np.uint8)
    folder = tmp_path / "CIFAR-100-C"
    folder.mkdir()
    np.save(folder / "fog.npy", images.reshape(-1, 32, 32, 3))
    np.save(folder / "labels.npy", np.tile(labels, 5))
    return folder, images, labels


@pytest.mark.parametrize("severity", [1, 2, 5])
def test_a_severity_is_its_fifth_of_the_file(written, severity):
    folder, images, labels = written
    examples = cifar100_c.load("fog", severity, data_dir=folder.parent)
    np.testing.assert_array_equal(examples.images, images[severity - 1])
    np.testing.assert_array_equal(examples.labels, labels)
    assert examples.labels.dtype == np.int64
    assert examples.num_classes == 100
    assert examples.name == f"CIFAR-100-C/fog_{severity}"
    # In memory, not a memory map of a file that could change later.
    assert type(examples.images) is np.ndarray


def test_the_folder_may_be_on_another_file_system(written, ram):
    folder, images, labels = written
    copied(folder, ram / folder.name)
    examples = cifar100_c.load("fog", 2, data_dir=str(ram))
    np.testing.assert_array_equal(examples.images, images[1])
    np.testing.assert_array_equal(examples.labels, labels)
    with pytest.raises(InputError, match="no file ram://.*snow.npy"):
        cifar100_c.load("snow", 2, data_dir=str(ram))
    with pytest.raises(InputError, match="data_dir=s3://a. Choose"):
        cifar100_c.load("fog", 2, data_dir="s3://a")


def test_labels_may_differ_between_the_fifths(written):
    folder, _, _ = written
    np.save(folder / "labels.npy", np.arange(15, dtype=np.int64))
    examples = cifar100_c.load("fog", 4, data_dir=folder.parent)
    np.testing.assert_array_equal(examples.labels, [9, 10, 11])


@pytest.mark.parametrize("home", ["~", "~/data"])
def test_the_folder_may_be_given_from_home(written, monkeypatch, home):
    folder, _, _ = written
    monkeypatch.setenv("HOME", str(folder.parent))
    with pytest.raises(InputError, match=str(folder.parent)):
        cifar100_c.load("snow", 1, data_dir=home)


class Spy:
    """Makes a folder when unpickled, which shows that code was run."""

    def __init__(self, path):
        self.mark = str(path.parent / "ran")

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def pickled(path):
    np.save(path, np.array([Spy(path)], object), allow_pickle=True)


def bare_pickle(path):
    path.write_bytes(pickle.dumps(Spy(path)))


def truncated(path):
    path.write_bytes(path.read_bytes()[:-1])


def archive(path):
    with open(path, "wb") as file:
        np.savez(file, np.zeros(3))


def saved(array):
    return lambda path: np.save(path, array)


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("fog", lambda path: path.unlink(), "no file .*fog.npy"),
        ("labels", lambda path: path.unlink(), "no file .*labels.npy"),
        ("fog", pickled, "fog.npy"),
        ("labels", bare_pickle, "labels.npy"),
        ("fog", truncated, "fog.npy"),
        ("fog", lambda path: path.write_bytes(b""), "fog.npy"),
        ("fog", archive, "an archive"),
        ("fog", saved(np.zeros((15, 32, 32, 3), np.float32)), "dtype=float32"),
        ("fog", saved(np.zeros((14, 32, 32, 3), np.uint8)), r"\(14, 32"),
        ("fog", saved(np.zeros((15, 3, 32, 32), np.uint8)), r"\(15, 3, 32"),
        ("labels", saved(np.zeros(14, np.uint8)), r"shape=\(14,\)"),
        ("labels", saved(np.zeros((15, 1), np.uint8)), r"shape=\(15, 1\)"),
        ("labels", saved(np.zeros(15, np.float32)), "dtype=float32"),
        ("labels", saved(np.full(15, 100)), r"labels\[0\]=100"),
        ("labels", saved(np.full(15, -1)), r"labels\[0\]=-1"),
        ("labels", saved(np.zeros(0, np.uint8)), "shape="),
    ],
)
def test_a_damaged_file_is_named_in_one_line(written, file, damage, message):
    folder, _, _ = written
    damage(folder / f"{file}.npy")
    with pytest.raises(InputError, match=message) as caught:
        cifar100_c.load("fog", 1, data_dir=folder.parent)
    assert "\n" not in str(caught.value)
    assert "CIFAR-100-C" in str(caught.value)
    assert not (folder / "ran").exists()


def test_without_a_folder_the_error_says_how_to_get_one():
    with pytest.raises(InputError, match="that data_dir names") as caught:
        cifar100_c.load("fog", 1, data_dir=None)
    assert "CIFAR-100-C.tar" in str(caught.value)
