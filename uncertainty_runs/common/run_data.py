"""The data sets of runs, in memory or on disk."""

from mimo_keras import data

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
        `data.Examples` or `data.Photographs`.

    Raises:
        InputError: It is missing or damaged.
    """
    where = {"data_dir": config.data_dir, "download": config.download_data}
    if config.dataset in PHOTOGRAPHS:
        where |= {"size": config.image_size, "skip": config.skip_bad_records}
    return data.load(config.dataset, split, **where)
