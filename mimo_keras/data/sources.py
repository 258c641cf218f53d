"""Loads data sets by name: their splits and their further test sets."""

import dataclasses
import functools

import numpy as np

from mimo_keras.data.corruptions import SEVERITIES
from mimo_keras.data.known_sets import DATASETS, get
from mimo_keras.errors import AbsentError, closest, expected


def load(name, split, **where):
    """Loads one split of a data set.

    Args:
        name: A key of `DATASETS`.
        split: "train" or "test"; for CIFAR also a part of one, such as
            "train[:90%]".
        **where: `data_dir`, the folder of the prepared TFDS data (None for
            TFDS's default), and `download`, whether TFDS may download and
            prepare missing data; for imagenet2012 also `size` and `skip` of
            `Photographs`.

    Returns:
        `Examples` with uint8 images (n, H, W, C) and int64 labels (n,); for
        imagenet2012, which is too large for memory, `Photographs`.

    Raises:
        InputError: The name or the split is unknown, or the data is missing or
            damaged.

    Example:

    ```python
    train = mimo_keras.data.load("digits", "train")
    train.images.shape                                       # (1198, 8, 8, 1)
    ```
    """
    data_set = get(name)
    try:
        return data_set.read(split, **where)
    except AbsentError as error:
        raise error.advising(data_set.get_it) from None


def standardization(name):
    """Returns the channels' mean and standard deviation on the scale [0, 1].

    Args:
        name: A key of `DATASETS`.

    Returns:
        Two tuples with one float per channel: mean and standard deviation. For
        digits they are measured on the training images.

    Raises:
        InputError: The name is unknown.

    Example:

    ```python
    mean, std = mimo_keras.data.standardization("cifar10")
    len(mean)                                                # 3
    ```
    """
    data_set = get(name)
    if data_set.mean is not None:
        return data_set.mean, data_set.std
    pixels = load(name, "train").images / 255
    axes = tuple(range(pixels.ndim - 1))
    return (
        tuple(np.mean(pixels, axes).tolist()),
        tuple(np.std(pixels, axes).tolist()),
    )


def corrupted(name, *, types=None, severities=SEVERITIES, **where):
    """Iterates over the corrupted test sets of a data set.

    A set is read or generated when its examples are accessed, so that only one
    at a time is in memory. The arguments are checked immediately.

    Args:
        name: A data set with a corrupted suite.
        types: The types to include; None for all of the suite's.
        severities: The severities to include, from 1 to 5.
        **where: As in `load`; for cifar100 `data_dir` is the folder that
            holds CIFAR-100-C.

    Returns:
        An iterator of `Corrupted`, by type in the order of the suite, then by
        severity.

    Raises:
        InputError: The name, a type or a severity does not exist; when the
            examples are accessed, if the data is missing or damaged.

    Example:

    ```python
    sets = mimo_keras.data.corrupted("digits", severities=[1])
    first = next(sets)
    first.severity                                           # 1
    ```
    """
    suite = _having("corruptions", "a corrupted suite", name)
    return suite.sets(types, severities, **where)


def out_of_distribution(name, **where):
    """Returns the loaders of the out-of-distribution sets of a data set.

    Args:
        name: A data set that has such sets.
        **where: As in `load`.

    Returns:
        A dict from a set's name to a function without arguments that loads
        it: `Examples` with images like the data set's own, all labels 0 and
        num_classes None.

    Raises:
        InputError: There is no such data set; when loading, if the data is
            missing or damaged.

    Example:

    ```python
    loaders = mimo_keras.data.out_of_distribution("cifar10")
    sorted(loaders)  # ['cifar100', 'svhn_cropped']
    ```
    """
    readers = _having("out_of_distribution", "out-of-distribution sets", name)
    return {
        other: functools.partial(_unlabelled, read, where)
        for other, read in readers.items()
    }


def natural(name, **where):
    """Returns the loaders of the natural test sets of a data set.

    Args:
        name: A data set; most have no such sets.
        **where: As in `load`; `data_dir` also contains the authors' own folders
            of some sets.

    Returns:
        A dict from a set's name to a function without arguments that returns
        `Natural` or `VideoFrames`, or raises AbsentError if the set is missing.

    Raises:
        InputError: There is no such data set.

    Example:

    ```python
    sorted(mimo_keras.data.natural("digits"))                # []
    ```
    """
    return {
        other: functools.partial(read, **where)
        for other, read in get(name).natural.items()
    }


def _having(field, what, name):
    """Returns a field of a record; an error if the record does not set it."""
    having = [n for n, record in DATASETS.items() if getattr(record, field)]
    if name not in having:
        raise expected(
            f"a data set with {what}: " + ", ".join(having),
            f"name={name}",
            closest(name, having),
        )
    return getattr(get(name), field)


def _unlabelled(read, where):
    """Reads examples without their classes, which are irrelevant here."""
    examples = read(**where)
    return dataclasses.replace(
        examples, labels=np.zeros(len(examples), np.int64), num_classes=None
    )
