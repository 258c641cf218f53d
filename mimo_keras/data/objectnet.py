"""ObjectNet from its authors' folder; no library provides it.

The folder objectnet-1.0 holds `images/<folder>/*.png` for 313 classes, and in
`mappings` the mapping from folders to ImageNet: folder_to_objectnet_label.json
(folder -> ObjectNet's name), objectnet_to_imagenet_1k.json (that name -> the
names of ImageNet's classes, separated by "; "; 113 classes have any),
imagenet_to_label_2012_v2 (one name per line) and
pytorch_to_imagenet_2012_id.json (class among the 1000 -> its line, from 0).
"""

import collections

import numpy as np

from mimo_keras import untrusted
from mimo_keras.data import published
from mimo_keras.data.photographs import Files
from mimo_keras.data.published import wrong_entry
from mimo_keras.errors import argument, expected

FOLDER = "objectnet-1.0"

BORDER = 2
"""Pixels that the authors' own evaluation cuts off on each side: the red border
that marks the images as test images."""

_GET_IT = (
    "Unpack the authors' objectnet-1.0.zip (objectnet.dev has the password) in "
    f"the folder that {argument('data_dir')} names."
)


def load(data_dir, **options):
    """Finds the images of the classes that ImageNet also has.

    Args:
        data_dir: The folder that holds `FOLDER`.
        **options: `size`, `margin` and `skip` of `photographs.Photographs`.

    Returns:
        `photographs.Files`, whose labels number the folders that have an
        ImageNet class, in alphabetical order, and the groups: for each such
        folder a tuple of its ImageNet classes, in the order of their WordNet
        identifiers.

    Raises:
        AbsentError: There is no such folder.
        InputError: A file is missing or differs from the published one.

    Reference:
        Barbu et al., ObjectNet: a large-scale bias-controlled dataset for
        pushing the limits of object recognition models, NeurIPS 2019. The
        border: github.com/abarbu/objectnet-template-pytorch.
    """
    home = published.folder(data_dir, FOLDER, get_it=_GET_IT)
    by_folder = _groups(home / "mappings")
    paths, labels = [], []
    for label, name in enumerate(by_folder):
        images = _images(home / "images" / name)
        paths += images
        labels += [label] * len(images)
    photographs = Files(
        name="objectnet",
        num_classes=len(by_folder),
        paths=tuple(paths),
        labels=np.array(labels, np.int64),
        border=BORDER,
        **options,
    )
    return photographs, tuple(by_folder.values())


def _images(path):
    images = sorted(path.glob("*.png"))
    if not images:
        raise expected(
            "a folder of PNG images for each class",
            f"none in {path}",
            _GET_IT,
        )
    what = "all images of objectnet"
    return [str(published.photograph(image, what, _GET_IT)) for image in images]


def _groups(mappings):
    """Returns a sorted dict: folder -> tuple of its ImageNet classes."""
    path = mappings / "objectnet_to_imagenet_1k.json"
    to_imagenet = published.table(path, _GET_IT)
    numbers = _imagenet_numbers(mappings)
    folders = _folders(mappings / "folder_to_objectnet_label.json")
    groups, owners = {}, {}
    for entry in to_imagenet.items():
        name, synonyms = entry
        if name not in folders or not isinstance(synonyms, str):
            raise wrong_entry(
                path, entry, "a class with a folder and ImageNet names", _GET_IT
            )
        group = []
        for synonym in synonyms.split("; "):
            classes = numbers[synonym]
            if len(classes) != 1 or owners.setdefault(classes[0], name) != name:
                raise wrong_entry(
                    path,
                    (name, synonym),
                    "names that stand for one ImageNet class, which no other "
                    "class has",
                    _GET_IT,
                )
            group += classes
        groups[folders[name]] = tuple(sorted(set(group)))
    if not groups:
        raise wrong_entry(path, "nothing", "classes of ImageNet", _GET_IT)
    return dict(sorted(groups.items()))


def _folders(path):
    """Returns a dict: ObjectNet's name of a class -> its folder."""
    names = {}
    for entry in published.table(path, _GET_IT).items():
        folder, name = entry
        if not isinstance(name, str) or name in names:
            raise wrong_entry(
                path, entry, "a name of its own for each folder", _GET_IT
            )
        if not untrusted.inside(folder):
            raise wrong_entry(path, entry, "folders in images", _GET_IT)
        names[name] = folder
    return names


def _imagenet_numbers(mappings):
    """Returns a defaultdict: name -> list of ImageNet classes with that name.

    Some names ("crane") belong to two classes.
    """
    lines = mappings / "imagenet_to_label_2012_v2"
    names = [
        line.strip() for line in published.text(lines, _GET_IT).splitlines()
    ]
    path = mappings / "pytorch_to_imagenet_2012_id.json"
    numbers = collections.defaultdict(list)
    for entry in published.table(path, _GET_IT).items():
        key, line = entry
        number = published.class_number(key, published.CLASSES)
        if number is None or not published.is_class(line, len(names)):
            raise wrong_entry(
                path,
                entry,
                f"classes from 0 to {published.CLASSES - 1} and lines of "
                f"{lines.name} from 0 to {len(names) - 1}",
                _GET_IT,
            )
        numbers[names[line]].append(number)
    return numbers
