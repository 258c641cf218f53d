"""Data sets by name: their splits, standardisation and further test sets."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from mimo_keras.data import digits, sample_images, sources
from mimo_keras.errors import InputError


def test_digits_come_from_scikit_learn():
    found, wanted = sources.load("digits", "test"), digits.load("test")
    np.testing.assert_array_equal(found.images, wanted.images)
    np.testing.assert_array_equal(found.labels, wanted.labels)


@pytest.mark.parametrize(
    ("name", "classes"), [("cifar10", 10), ("cifar100", 100)]
)
def test_cifar_comes_from_tfds(tmp_path, store_tfds, name, classes):
    images, labels = store_tfds(tmp_path, name, classes, split="train")
    found = sources.load(name, "train[1:]", data_dir=tmp_path)
    np.testing.assert_array_equal(found.images, images[1:])
    np.testing.assert_array_equal(found.labels, labels[1:])
    assert (found.name, found.num_classes) == (name, classes)


def test_absent_data_names_the_ways_out(tmp_path):
    with pytest.raises(InputError) as caught:
        sources.load("cifar100", "train", data_dir=tmp_path)
    for way in ("data_dir", "download=True", "name=digits"):
        assert way in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda name: sources.load(name, "train"),
        sources.standardization,
    ],
)
def test_an_unknown_name_lists_the_known_ones(function):
    with pytest.raises(
        InputError, match="cifar10, cifar100, digits.*dataset=emnist"
    ):
        function("emnist")


def test_digits_are_standardised_by_their_training_images():
    mean, std = sources.standardization("digits")
    pixels = digits.load("train").images.reshape(-1, 1) / 255
    scaler = StandardScaler().fit(pixels)
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(std, scaler.scale_, rtol=1e-12)
    assert type(mean[0]) is type(std[0]) is float


def test_cifar_is_standardised_by_published_constants():
    assert sources.standardization("cifar10") == (
        (0.4914, 0.4822, 0.4465),
        (0.2023, 0.1994, 0.2010),
    )
    assert sources.standardization("cifar100") == (
        (0.5071, 0.4865, 0.4409),
        (0.2673, 0.2564, 0.2762),
    )


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("cifar10", {"svhn_cropped": 10, "cifar100": 100}),
        ("cifar100", {"svhn_cropped": 10, "cifar10": 10}),
    ],
)
def test_cifar_reads_test_splits_without_their_labels(
    tmp_path, store_tfds, name, others
):
    loaders = sources.out_of_distribution(name, data_dir=tmp_path)
    # Nothing is read before the loader is called.
    stored = {
        other: store_tfds(tmp_path, other, classes)[0]
        for other, classes in others.items()
    }
    assert list(loaders) == list(others)
    for other, load in loaders.items():
        examples = load()
        np.testing.assert_array_equal(examples.images, stored[other])
        np.testing.assert_array_equal(examples.labels, [0, 0, 0, 0])
        assert examples.num_classes is None
        assert examples.name == other


def test_absent_data_is_reported_when_it_is_loaded(tmp_path):
    loaders = sources.out_of_distribution("cifar10", data_dir=tmp_path)
    with pytest.raises(InputError, match="svhn_cropped.*data_dir=FOLDER"):
        loaders["svhn_cropped"]()


def test_an_unknown_data_set_error_lists_those_that_have_sets():
    with pytest.raises(InputError, match="cifar10, cifar100, digits.*=emnist"):
        sources.out_of_distribution("emnist")


def test_digits_have_patches_of_photographs():
    found = sources.out_of_distribution("digits")["sample_images"]()
    wanted = sample_images.load()
    np.testing.assert_array_equal(found.images, wanted.images)
    assert found.num_classes is None
