"""CIFAR-100-C from its authors' files, which TFDS does not have.

The folder CIFAR-100-C of Hendrycks and Dietterich (ICLR 2019) holds a file
`<type>.npy` for each type, (50000, 32, 32, 3) uint8, and `labels.npy`,
(50000,). They contain the test images five times: all at severity 1 first, all
at severity 5 last.
"""

import functools

import numpy as np

from mimo_keras.data.corruptions import BENCHMARK
from mimo_keras.data.examples import Examples
from mimo_keras.errors import AbsentError, argument, expected
from mimo_keras.files import ReadError, read_array
from mimo_keras.paths import as_path

FOLDER = "CIFAR-100-C"

TYPES = (
    *BENCHMARK,
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
)
"""The names of the authors' files."""

_GET_IT = (
    "Unpack the authors' CIFAR-100-C.tar (zenodo.org/records/3555552) in the "
    f"folder that {argument('data_dir')} names."
)


def opened(*, data_dir=None, download=False):
    """Returns the function (type, severity) that loads a set; as `load`.

    It cannot be downloaded, so `download` is ignored.
    """
    return functools.partial(load, data_dir=data_dir)


def load(kind, severity, *, data_dir):
    """Loads one type at one severity.

    Args:
        kind: The name of a file, without ".npy".
        severity: 1 to 5.
        data_dir: The folder that holds `FOLDER`.

    Returns:
        `Examples` with images (n, 32, 32, 3) uint8 and labels (n,) int64,
        where n is a fifth of the file.

    Raises:
        InputError: A file is missing or differs from the published one.
    """
    if data_dir is None:
        raise _absent("data_dir=None")
    folder = as_path(data_dir, "data_dir") / FOLDER
    labels = _labels(folder / "labels.npy")
    images = _images(folder / f"{kind}.npy", len(labels))
    count = len(labels) // 5
    block = slice((severity - 1) * count, severity * count)
    return Examples(
        f"{FOLDER}/{kind}_{severity}",
        np.array(images[block]),
        labels[block].astype(np.int64),
        100,
    ).checked()


def _labels(path):
    labels = _open(path)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) % 5:
        raise _wrong(path, labels, "five equal blocks of integers, (5n,)")
    return labels


def _images(path, count):
    images = _open(path)
    shape = (count, 32, 32, 3)
    if images.shape != shape or images.dtype != np.uint8:
        raise _wrong(path, images, f"{shape} uint8, one image for each label")
    return images


def _open(path):
    """Maps an array file into memory, without running pickled code."""
    try:
        return read_array(path)
    except FileNotFoundError:
        raise _absent(f"no file {path}") from None
    except ReadError as error:
        raise expected(
            "a whole .npy file of plain numbers", f"{path} ({error})", _GET_IT
        ) from None


def _absent(received):
    return expected(f"the folder {FOLDER}", received, _GET_IT, AbsentError)


def _wrong(path, array, form):
    received = f"{path} with shape={array.shape}, dtype={array.dtype}"
    return expected(form, received, _GET_IT)
