"""Fashion-MNIST-C: Fashion-MNIST's test images under CIFAR-C's corruptions.

It is made here once, always the same, and written in the layout of CIFAR-C.
Of the benchmark's 15 types it lacks frost (see `grey_corruptions`).
"""

import numpy as np

from mimo_keras import files
from mimo_keras.data import grey_corruptions, idx_files
from mimo_keras.data.corrupted_arrays import LABELS, CorruptedArrays
from mimo_keras.data.corruptions import BENCHMARK, SEVERITIES
from mimo_keras.errors import argument, expected
from mimo_keras.paths import as_path

FOLDER = "fashion_mnist_c"

TYPES = tuple(t for t in BENCHMARK if t in grey_corruptions.OPERATIONS)
"""The types, in the order of results."""

SUITE = CorruptedArrays(
    FOLDER,
    (idx_files.SIDE, idx_files.SIDE, 1),
    idx_files.CLASSES,
    f"prepare.py makes it in the folder that {argument('data_dir')} names.",
)


def write(examples, data_dir, told=lambda kind: None):
    """Makes the suite and writes it, one type at a time.

    The labels come last, so that an unfinished folder counts as none.

    Args:
        examples: The `Examples` of the test set.
        data_dir: The folder that will hold `FOLDER`.
        told: Function that is called with each type before it is made.

    Returns:
        The folder.

    Raises:
        InputError: The suite is there already.
    """
    folder = as_path(data_dir, "data_dir") / FOLDER
    if (folder / LABELS).exists():
        raise expected(
            f"no {FOLDER} yet",
            f"one in {folder}",
            f"Delete it, or choose another {argument('data_dir')}.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for kind in TYPES:
        told(kind)
        sets = [
            grey_corruptions.corrupt(examples.images, kind, severity)
            for severity in SEVERITIES
        ]
        files.write_array(folder / f"{kind}.npy", np.concatenate(sets))
    labels = np.tile(examples.labels, len(SEVERITIES)).astype(np.uint8)
    files.write_array(folder / LABELS, labels)
    return folder
