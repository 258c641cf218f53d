"""A miniature of ImageNet and its test sets, in their own formats on disk.

python -m tests.runs.photographs FOLDER
"""

import pathlib
import shutil
import sys

import numpy as np

from mimo_keras import data
from mimo_keras.data import imagenet_subsets
from mimo_keras.data.natural_sets import IMAGENET_V2
from tests import prepared_data
from tests.published_data import write_imagenet_vid_robust, write_objectnet

SIZE = 32
CLASSES = 10
TRAIN, TEST, SMALL = 48, 20, 10


def draw(count, seed, classes=range(CLASSES)):
    """Photographs whose colour shows the class, with noise."""
    random = np.random.default_rng(seed)
    classes = np.array(list(classes))
    labels = random.choice(classes, count)
    colours = np.random.default_rng(0).integers(30, 226, (1000, 1, 1, 3))
    noise = random.integers(-25, 26, (count, SIZE + 8, SIZE + 16, 3))
    return (colours[labels] + noise).astype(np.uint8), labels


def write(folder):
    """Writes everything but ImageNet-R and YTBB-Robust."""
    write_objectnet(folder)
    write_imagenet_vid_robust(folder)
    splits = {"train": draw(TRAIN, 1), "validation": draw(TEST, 2)}
    prepared_data.write(folder, "imagenet2012", splits)
    _write_corrupted(folder)
    for index, config in enumerate(IMAGENET_V2):
        test = {"test": draw(SMALL, 10 + index)}
        prepared_data.write(folder, f"imagenet_v2/{config}", test)
    prepared_data.write(folder, "imagenet_sketch", {"test": draw(SMALL, 20)})
    own = [classes[0] for classes in imagenet_subsets.groups("imagenet_a")]
    test = {"test": draw(SMALL, 21, own[:4])}
    prepared_data.write(folder, "imagenet_a", test)


def _write_corrupted(folder):
    """Writes a set for each severity, and copies it to the other types."""
    for severity in range(1, 6):
        types = data.get("imagenet2012").corruptions.types
        names = (f"{t}_{severity}" for t in types)
        first, *others = names
        images, labels = draw(TEST, 30 + severity)
        written = prepared_data.write(
            folder,
            f"imagenet2012_corrupted/{first}",
            {"validation": (_cropped(images), labels)},
        )
        for other in others:
            copy = folder / "imagenet2012_corrupted" / other / written.name
            shutil.copytree(written, copy)
            info = copy / "dataset_info.json"
            info.write_text(info.read_text().replace(first, other))


def _cropped(images):
    """Makes squares of 224 pixels, as in TFDS."""
    squares = images[:, :SIZE, :SIZE]
    return squares.repeat(7, axis=1).repeat(7, axis=2)


def split_file(folder, name, split):
    """Returns the only record file of a split."""
    (path,) = folder.glob(f"{name}/**/*-{split}.tfrecord*")
    return path


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
