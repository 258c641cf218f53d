"""The data sets of runs, in memory or on disk."""

from mimo_keras import data

IN_MEMORY = tuple(n for n, d in data.DATASETS.items() if d.in_memory)
"""The data sets that cifar.py trains on; the first is the default."""

PHOTOGRAPHS = tuple(n for n in data.DATASETS if n not in IN_MEMORY)
"""The data sets that are too large to hold in memory."""


def load(s, split):
    """Returns a split of the data set of a run.

    Args:
        s: The value of every flag.
        split: "train" or "test".

    Returns:
        `data.Examples` or `data.Photographs`.

    Raises:
        InputError: It is not there, or damaged.
    """
    where = {"data_dir": s["data_dir"], "download": s["download_data"]}
    if s["dataset"] in PHOTOGRAPHS:
        where |= {"size": s["image_size"], "skip": s["skip_bad_records"]}
    return data.load(s["dataset"], split, **where)
