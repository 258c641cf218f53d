"""The data sets: one record each, the only place for facts about them."""

import functools
import types

from mimo_keras.data import (
    augmentation,
    cifar100_c,
    corruptions,
    digit_corruptions,
    digits,
    fashion_corruptions,
    idx_files,
    natural_sets,
    photographs,
    record_writing,
    sample_images,
    tfds_images,
)
from mimo_keras.data.corruptions import Corruptions
from mimo_keras.data.data_set import DataSet
from mimo_keras.errors import argument, closest, expected


def _tfds(name, *split):
    """Returns the reader of a TFDS data set that fits in memory."""
    return functools.partial(tfds_images.load, name, *split)


def _offline(load):
    """Returns the reader of a set that needs neither a folder nor a network."""
    return lambda *split, data_dir=None, download=False: load(*split)


def _imagenet(split, **where):
    """Reads ImageNet, using the labelled validation images as test set."""
    split = {"test": "validation"}.get(split, split)
    return photographs.load("imagenet2012", split, **where)


_WITHOUT_NETWORK = (
    f"Or take {argument('name', 'digits')}, which needs no network."
)

# TFDS's CIFAR-10-C names two types differently. Its 4 other types, meant for
# validation, are not part of any published corrupted accuracy.
_OF_CIFAR10_C = {
    "glass_blur": "frosted_glass_blur",
    "elastic_transform": "elastic",
}

_CIFAR10 = DataSet(
    name="cifar10",
    image_shape=(32, 32, 3),
    num_classes=10,
    read=_tfds("cifar10"),
    # As in Uncertainty-Baselines at the time of the MIMO paper: std is the mean
    # over images of each image's own standard deviation.
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
    augment=augmentation.crop_and_flip(padding=4),
    corruptions=Corruptions(
        tuple(_OF_CIFAR10_C.get(t, t) for t in corruptions.BENCHMARK),
        corruptions.stored(tfds_images.load, "cifar10_corrupted", "test"),
    ),
    out_of_distribution={
        "svhn_cropped": _tfds("svhn_cropped", "test"),
        "cifar100": _tfds("cifar100", "test"),
    },
    folders={
        "test": ("cifar10",),
        "corrupted": ("cifar10_corrupted",),
        "ood/svhn_cropped": ("svhn_cropped",),
        "ood/cifar100": ("cifar100",),
    },
    get_it=_WITHOUT_NETWORK,
)

_CIFAR100 = DataSet(
    name="cifar100",
    image_shape=(32, 32, 3),
    num_classes=100,
    read=_tfds("cifar100"),
    # Measured like CIFAR-10's.
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    augment=augmentation.crop_and_flip(padding=4),
    corruptions=Corruptions(cifar100_c.TYPES, cifar100_c.opened),
    out_of_distribution={
        "svhn_cropped": _tfds("svhn_cropped", "test"),
        "cifar10": _tfds("cifar10", "test"),
    },
    folders={
        "test": ("cifar100",),
        "corrupted": (cifar100_c.FOLDER,),
        "ood/svhn_cropped": ("svhn_cropped",),
        "ood/cifar10": ("cifar10",),
    },
    get_it=_WITHOUT_NETWORK,
)

_DIGITS = DataSet(
    name="digits",
    image_shape=(8, 8, 1),
    num_classes=10,
    read=_offline(digits.load),
    # No augmentation: shifts at 8x8 cut off the edges of digits, and flips turn
    # them into other signs.
    augment=None,
    corruptions=Corruptions(
        digit_corruptions.SUITE,
        corruptions.made(_offline(digits.load), digit_corruptions.corrupt),
    ),
    out_of_distribution={"sample_images": _offline(sample_images.load)},
)

_GREY = (idx_files.SIDE, idx_files.SIDE, 1)
_PATCHES = functools.partial(
    sample_images.load, side=idx_files.SIDE, factor=1, count=600
)
_FOREIGN = {
    "digits": _offline(functools.partial(digits.scaled, idx_files.SIDE)),
    "sample_images": _offline(_PATCHES),
    "fashion_mnist": _tfds("fashion_mnist", "test"),
    "mnist": _tfds("mnist", "test"),
    "kmnist": _tfds("kmnist", "test"),
}
# Digits are classes of MNIST's own.
_NOT_FOREIGN = {"mnist": ("digits",)}


def _like_mnist(name, mean, std, flip=False, **facts):
    """Returns the record of a set of 28x28 grey images in 10 classes.

    Args:
        name: TFDS's name.
        mean: Mean over all training pixels.
        std: Their standard deviation.
        flip: Whether a mirrored image is still of its class.
        **facts: Further fields of the record.
    """
    without = (name, *_NOT_FOREIGN.get(name, ()))
    foreign = {n: read for n, read in _FOREIGN.items() if n not in without}
    folders = {f"ood/{n}": (n,) for n in foreign if n.endswith("mnist")}
    return DataSet(
        name=name,
        image_shape=_GREY,
        num_classes=idx_files.CLASSES,
        read=_tfds(name),
        mean=(mean,),
        std=(std,),
        augment=augmentation.crop_and_flip(padding=2, flip=flip),
        out_of_distribution=foreign,
        folders={"test": (name,), **folders, **facts.pop("folders", {})},
        get_it="Or write it from the four published files: prepare.py "
        "converts them.",
        **facts,
    )


_FASHION_MNIST = _like_mnist(
    "fashion_mnist",
    0.2860,
    0.3530,
    flip=True,
    corruptions=Corruptions(
        fashion_corruptions.TYPES, fashion_corruptions.SUITE.opened
    ),
    folders={"corrupted": (fashion_corruptions.FOLDER,)},
)
_MNIST = _like_mnist("mnist", 0.1307, 0.3081)
_KMNIST = _like_mnist("kmnist", 0.1918, 0.3483)

_IMAGENET = DataSet(
    name="imagenet2012",
    image_shape=(photographs.SIZE, photographs.SIZE, 3),
    num_classes=1000,
    read=_imagenet,
    in_memory=False,
    # Over all pixels, as most networks for ImageNet use them.
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    corruptions=Corruptions(
        # Again without the 4 other types.
        corruptions.BENCHMARK,
        corruptions.stored(
            # TFDS's images are cropped already.
            functools.partial(photographs.load, margin=1),
            "imagenet2012_corrupted",
            "validation",
        ),
        against_alexnet=True,
    ),
    natural=natural_sets.IMAGENET,
    folders={
        "test": ("imagenet2012",),
        "corrupted": ("imagenet2012_corrupted",),
        **{f"natural/{n}": at for n, at in natural_sets.FOLDERS.items()},
    },
    get_it="TFDS prepares it from ILSVRC2012_img_train.tar and "
    "ILSVRC2012_img_val.tar of image-net.org, which it cannot download: put "
    f"them in downloads/manual of {argument('data_dir')}.",
)

# One's own photographs, as prepare.py writes them.
_OWN = DataSet(
    name=record_writing.FOLDER,
    image_shape=(photographs.SIZE, photographs.SIZE, 3),
    num_classes=None,
    read=functools.partial(photographs.load, record_writing.FOLDER),
    in_memory=False,
    # Those of ImageNet, with which networks for photographs are used.
    mean=_IMAGENET.mean,
    std=_IMAGENET.std,
    folders={"test": (record_writing.FOLDER,)},
    get_it="prepare.py writes it from a folder of class folders.",
)

DATASETS = types.MappingProxyType(
    {
        data_set.name: data_set
        for data_set in (
            *(_CIFAR10, _CIFAR100, _DIGITS),
            *(_FASHION_MNIST, _MNIST, _KMNIST),
            *(_IMAGENET, _OWN),
        )
    }
)
"""Name -> the `DataSet` record."""


def get(name):
    """Returns the record of the data set called `name`.

    Args:
        name: A key of `DATASETS`.

    Returns:
        The `DataSet`.

    Raises:
        InputError: There is no data set of that name.

    Example:

    ```python
    mimo_keras.data.get("cifar10").image_shape               # (32, 32, 3)
    ```
    """
    if name not in DATASETS:
        raise expected(
            "dataset to be one of " + ", ".join(DATASETS),
            f"dataset={name}",
            closest(name, DATASETS),
        )
    return DATASETS[name]
