"""The data sets of runs, in memory or on disk."""

import dataclasses

import numpy as np

from mimo_keras import data
from mimo_keras.data import stratified
from mimo_keras.errors import expected

IN_MEMORY = tuple(n for n, d in data.DATASETS.items() if d.in_memory)
"""The data sets that cifar.py trains on; the first is the default."""

PHOTOGRAPHS = tuple(n for n in data.DATASETS if n not in IN_MEMORY)
"""The data sets that are too large to hold in memory."""

PARTING = ("train_proportion", "validation_share", "train_examples")
"""The fields of a `RunConfig` that say which images are trained on."""


def load(config, split):
    """Returns a split of the data set of a run.

    Args:
        config: `DataConfig`, such as a `RunConfig`.
        split: "train" or "test".

    Returns:
        `data.Examples` or `data.Photographs`; for "train" all images, of
        which `parted` returns those to train on.

    Raises:
        InputError: It is missing or damaged.
    """
    where = {"data_dir": config.data_dir, "download": config.download_data}
    if config.dataset in PHOTOGRAPHS:
        where |= {"size": config.image_size, "skip": config.skip_bad_records}
    return data.load(config.dataset, split, **where)


def parted_train(config):
    """Returns what `parted` does, for the training images of a `RunConfig`."""
    return parted(
        load(config, "train"),
        config.train_proportion,
        config.validation_share,
        config.train_examples,
        config.seed,
    )


def parted(train, proportion=1.0, share=0.0, examples=None, seed=0):
    """Parts the training images into those to train on and those held out.

    With a `proportion`, the last int(n (1 - proportion)) are held out, as
    Uncertainty-Baselines does. With a `share`, round(n share) are: the last
    ones of `stratified.order`. If `examples` is set, only the first ones of
    that order are trained on, of those that are not held out.

    Args:
        train: `data.Examples`.
        proportion: Share of images to train on, at most 1.
        share: Share of images to hold out, less than 1.
        examples: Number of images to train on; None for all.
        seed: Integer that determines the order.

    Returns:
        The images to train on, and those held out or None.

    Raises:
        InputError: One of the two would be empty, or there are not as many
            images to train on as asked for.
    """
    held_out = None
    if proportion != 1:
        count = len(train) - int(len(train) * (1 - proportion))
        _check_parts(train, count, "train_proportion", proportion)
        held_out = train.subset(slice(count, None))
        train = train.take(count)
    if not share and examples is None:
        return train, held_out
    order = stratified.order(train.labels, seed)
    if share:
        count = len(train) - round(len(train) * share)
        _check_parts(train, count, "validation_share", share)
        held_out = train.subset(np.sort(order[count:]))
        order = order[:count]
    if examples is not None and examples > len(order):
        raise expected(
            f"at most {len(order)} images to train on",
            f"train_examples={examples}",
            "Lower --train_examples, or hold out fewer.",
        )
    return train.subset(np.sort(order[:examples])), held_out


def _check_parts(train, count, flag, value):
    """Raises InputError unless some of the images are held out, but not all."""
    if not 0 < count < len(train):
        raise expected(
            f"a part of the {len(train)} training images, and others to hold "
            "out",
            f"{flag}={value}",
            f"Give --{flag} another value, such as {_SUCH_AS[flag]}.",
        )


_SUCH_AS = {"train_proportion": 0.9, "validation_share": 0.1}


def augmentation(config):
    """Returns the augmentation of a run's training images, or None.

    Raises:
        InputError: The padding is given, but images are not cropped.
    """
    own = data.get(config.dataset).augment if config.augment else None
    if config.augment_padding is None:
        return own
    if not isinstance(own, data.augmentation.CropAndFlip):
        raise expected(
            "no --augment_padding: training images are not padded and cropped",
            f"augment_padding={config.augment_padding}, "
            f"dataset={config.dataset}",
            "Leave it out.",
        )
    return dataclasses.replace(own, padding=config.augment_padding)
