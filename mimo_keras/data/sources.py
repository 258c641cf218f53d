"""The data sets that a run can train on, by name."""

import numpy as np

from mimo_keras.data import digits, tfds_images
from mimo_keras.errors import expected

DATASETS = ("cifar10", "cifar100", "digits")

_STANDARDIZATION = {
    # As in Uncertainty-Baselines when the MIMO paper's results were made: the
    # deviation is the mean over images of each image's own deviation.
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    # Of all pixels, as networks for ImageNet mostly take them.
    "imagenet2012": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def load(name, split, *, data_dir=None, download=False):
    """Loads one split of a data set into memory.

    Args:
        name: One of `DATASETS`.
        split: "train" or "test"; for the TFDS data sets (CIFAR) also a part
            of one, such as "train[:90%]".
        data_dir: Folder of the prepared TFDS data; None for TFDS's own.
        download: Whether TFDS may fetch and prepare data that is absent.

    Returns:
        `Examples` with uint8 images (n, H, W, C) and int64 labels (n,).

    Raises:
        InputError: The name or the split is unknown, or the data is absent or
            damaged.
    """
    _check_name(name)
    if name == "digits":
        return digits.load(split)
    return tfds_images.load(name, split, data_dir=data_dir, download=download)


def standardization(name):
    """Returns the channels' mean and standard deviation, in units of [0, 1].

    Args:
        name: One of `DATASETS`, or "imagenet2012".

    Returns:
        Two tuples of a float for each channel: mean, standard deviation. For
        digits they are measured on the training images.
    """
    if name in _STANDARDIZATION:
        return _STANDARDIZATION[name]
    _check_name(name)
    pixels = load(name, "train").images / 255
    axes = tuple(range(pixels.ndim - 1))
    return (
        tuple(np.mean(pixels, axes).tolist()),
        tuple(np.std(pixels, axes).tolist()),
    )


def _check_name(name):
    if name not in DATASETS:
        raise expected(
            "dataset to be one of " + ", ".join(DATASETS),
            f"dataset={name}",
            "Choose one of these.",
        )
