"""Every record is true, and is all that its data set needs."""

import re

import numpy as np
import pytest

from mimo_keras.data import known_sets
from mimo_keras.errors import AbsentError, InputError

every = pytest.mark.parametrize("name", known_sets.DATASETS)


@every
def test_a_record_is_found_by_its_name(name):
    assert known_sets.get(name) is known_sets.DATASETS[name]
    assert known_sets.get(name).name == name


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="cifar10, cifar100.*dataset=emnist"):
        known_sets.get("emnist")


@every
def test_shape_and_classes_are_those_of_the_images(name, tmp_path):
    record = known_sets.get(name)
    if record.num_classes is None:
        assert name == "folder"
        return
    try:
        found = record.read("test", data_dir=tmp_path)
    except AbsentError:
        shape, classes = _known_to_tfds(name)
    else:
        shape, classes = found.image_shape, found.labels.max() + 1
    assert classes == record.num_classes
    for known, side in zip(shape, record.image_shape, strict=True):
        # Photographs have individual sizes.
        assert known == side or (known is None and not record.in_memory)


def _known_to_tfds(name):
    import tensorflow_datasets as tfds

    features = tfds.builder(name).info.features
    return features["image"].shape, features["label"].num_classes


@every
def test_mean_and_deviation_have_a_number_for_each_channel(name):
    record = known_sets.get(name)
    if record.mean is None:
        assert record.std is None and record.in_memory
    else:
        assert len(record.mean) == len(record.std) == record.image_shape[2]
        assert all(0 < value < 1 for value in (*record.mean, *record.std))


@every
def test_augmented_images_keep_their_form(name):
    record = known_sets.get(name)
    if record.augment is not None:
        images = np.zeros((3, *record.image_shape), np.uint8)
        found = record.augment(images, (1, 2))
        assert (found.shape, found.dtype) == (images.shape, images.dtype)


@every
def test_names_of_test_sets_can_stand_in_results(name):
    record = known_sets.get(name)
    types = record.corruptions.types if record.corruptions else ()
    assert len({*types}) == len(types)
    # Results are called "corrupted/<type>_<severity>/nll".
    assert all(re.fullmatch("[a-z][a-z_]*", kind) for kind in types)
    assert name not in record.out_of_distribution


def test_what_is_measured_against_alexnet_has_its_types():
    from mimo_keras.evaluation import corruption_error

    against = {
        name: record.corruptions.types
        for name, record in known_sets.DATASETS.items()
        if record.corruptions and record.corruptions.against_alexnet
    }
    assert against == {"imagenet2012": tuple(corruption_error.ALEXNET)}
