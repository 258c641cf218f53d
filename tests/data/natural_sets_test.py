"""The natural test sets of data sets, and how their labels are read."""

import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.data import imagenet_subsets
from mimo_keras.errors import AbsentError
from tests.published_data import write_imagenet_vid_robust, write_objectnet

NAMES = [
    "imagenet_v2/matched-frequency",
    "imagenet_v2/threshold-0.7",
    "imagenet_v2/topimages",
    "imagenet_sketch",
    "imagenet_a",
    "imagenet_r",
    "objectnet",
    "imagenet_vid_robust",
    "ytbb_robust",
]


def test_imagenet_has_them_and_others_have_none(tmp_path):
    found = data.natural("imagenet2012", data_dir=tmp_path)
    assert list(found) == NAMES
    assert data.natural("cifar10") == {}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_says_how_to_get_it(tmp_path, name):
    with pytest.raises(
        AbsentError, match="data_dir=FOLDER|that data_dir names"
    ) as caught:
        data.natural("imagenet2012", data_dir=tmp_path)[name]()
    assert "\n" not in str(caught.value)


def test_labels_are_classes_or_groups(tmp_path, write_tfds):
    images = np.zeros((2, 8, 8, 3), np.uint8)
    for name in ("imagenet_a", "imagenet_sketch"):
        write_tfds(tmp_path, name, {"test": (images, np.array([6, 11]))})
    write_objectnet(tmp_path)
    write_imagenet_vid_robust(tmp_path)
    sets = data.natural("imagenet2012", data_dir=tmp_path, size=4)
    adversarial, sketch, objects = (
        sets[name]() for name in ("imagenet_a", "imagenet_sketch", "objectnet")
    )
    assert adversarial.groups == imagenet_subsets.groups("imagenet_a")
    assert not adversarial.by_group and adversarial.photographs.size == 4
    assert sketch.groups is None
    assert objects.by_group and len(objects.groups) == 3
    assert isinstance(sets["imagenet_vid_robust"](), data.VideoFrames)
