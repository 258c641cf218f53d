"""The 200 classes of ImageNet-A and ImageNet-R, by their identifiers."""

import pathlib

import pytest

from mimo_keras.data import imagenet_subsets
from mimo_keras.errors import InputError


@pytest.fixture(scope="module")
def identifiers():
    """The WordNet identifiers of TFDS's ImageNet labels, in order."""
    import tensorflow_datasets as tfds

    folder = pathlib.Path(tfds.__file__).parent / "datasets" / "imagenet2012"
    return (folder / "labels.txt").read_text().split()


@pytest.mark.parametrize(
    ("name", "total"), [("imagenet_a", 102178), ("imagenet_r", 86135)]
)
def test_two_hundred_classes_each_once(name, total):
    classes = [number for (number,) in imagenet_subsets.groups(name)]
    assert classes == sorted(set(classes))
    assert len(classes) == 200
    assert 0 <= classes[0] <= classes[-1] < 1000
    # From the list of the authors' folders.
    assert sum(classes) == total


# Some of the authors' folders, and some classes without one.
@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        (
            "imagenet_a",
            "n01498041 n02077923 n07697313 n12267677",
            "n01440764 n01443537 n07693725 n15075141",
        ),
        (
            "imagenet_r",
            "n01443537 n02391049 n07693725 n09835506 n12267677",
            "n01440764 n02504458 n15075141",
        ),
    ],
)
def test_the_numbers_are_those_of_tfds(identifiers, name, inside, outside):
    found = {identifiers[i] for (i,) in imagenet_subsets.groups(name)}
    assert found >= set(inside.split())
    assert not found & set(outside.split())


def test_another_name_is_one_line():
    with pytest.raises(InputError, match="imagenet_a, imagenet_r.*imagenet_v2"):
        imagenet_subsets.groups("imagenet_v2")
