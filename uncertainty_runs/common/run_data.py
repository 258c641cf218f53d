"""The data sets of runs, in memory or on disk."""

from mimo_keras import data
from mimo_keras.errors import expected

IN_MEMORY = tuple(n for n, d in data.DATASETS.items() if d.in_memory)
"""The data sets that cifar.py trains on; the first is the default."""

PHOTOGRAPHS = tuple(n for n in data.DATASETS if n not in IN_MEMORY)
"""The data sets that are too large to hold in memory."""


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


def parted(train, proportion):
    """Parts the training images as Uncertainty-Baselines does.

    Args:
        train: `data.Examples`.
        proportion: Share of images to train on, at most 1.

    Returns:
        The images to train on, which come first, and those held out, the last
        int(n (1 - proportion)); None for the latter if all are trained on.

    Raises:
        InputError: One of the two would be empty.
    """
    if proportion == 1:
        return train, None
    count = len(train) - int(len(train) * (1 - proportion))
    if not 0 < count < len(train):
        raise expected(
            f"a part of the {len(train)} training images, and others to hold "
            "out",
            f"train_proportion={proportion}",
            "Give --train_proportion another value, such as 0.9.",
        )
    return train.take(count), train.subset(slice(count, None))
