"""The data sets of runs, in memory or on disk."""

from mimo_keras import data
from mimo_keras.data import photographs

PHOTOGRAPHS = ("imagenet2012",)
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
    if s["dataset"] not in PHOTOGRAPHS:
        return data.load(s["dataset"], split, **where)
    return photographs.load(
        s["dataset"],
        {"test": "validation"}.get(split, split),
        size=s["image_size"],
        skip=s["skip_bad_records"],
        **where,
    )
