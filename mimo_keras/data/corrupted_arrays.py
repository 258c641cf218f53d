"""Corrupted suites in the layout in which CIFAR-C's authors published theirs.

A folder holds a file `<type>.npy` for each type, (5n, H, W, C) uint8, and
`labels.npy`, (5n,). They contain the n test images five times: all at severity
1 first, all at severity 5 last (Hendrycks and Dietterich, ICLR 2019).
"""

import dataclasses
import functools

import numpy as np

from mimo_keras.data.examples import Examples
from mimo_keras.errors import AbsentError, expected
from mimo_keras.files import ReadError, read_array
from mimo_keras.paths import as_path

LABELS = "labels.npy"


@dataclasses.dataclass(frozen=True)
class CorruptedArrays:
    """A suite in such a folder.

    Args:
        folder: The folder's name in `data_dir`.
        image_shape: (H, W, C).
        num_classes: The number of classes.
        get_it: How to get the folder, as a sentence.
    """

    folder: str
    image_shape: tuple[int, int, int]
    num_classes: int
    get_it: str

    def opened(self, *, data_dir=None, download=False):
        """Returns the function (type, severity) that loads a set; as `load`.

        It cannot be downloaded, so `download` is ignored.
        """
        return functools.partial(self.load, data_dir=data_dir)

    def load(self, kind, severity, *, data_dir):
        """Loads one type at one severity.

        Args:
            kind: The name of a file, without ".npy".
            severity: 1 to 5.
            data_dir: The folder that holds the suite's.

        Returns:
            `Examples` with images (n, H, W, C) uint8 and labels (n,) int64,
            where n is a fifth of the file.

        Raises:
            InputError: A file is missing or differs from the published form.
        """
        if data_dir is None:
            raise self._absent("data_dir=None")
        folder = as_path(data_dir, "data_dir") / self.folder
        labels = self._labels(folder / LABELS)
        images = self._images(folder / f"{kind}.npy", len(labels))
        count = len(labels) // 5
        block = slice((severity - 1) * count, severity * count)
        return Examples(
            f"{self.folder}/{kind}_{severity}",
            np.array(images[block]),
            labels[block].astype(np.int64),
            self.num_classes,
        ).checked()

    def _labels(self, path):
        labels = self._open(path)
        integers = labels.dtype.kind in "iu"
        if labels.ndim != 1 or not integers or len(labels) % 5:
            raise self._wrong(
                path, labels, "five equal blocks of integers, (5n,)"
            )
        return labels

    def _images(self, path, count):
        images = self._open(path)
        shape = (count, *self.image_shape)
        if images.shape != shape or images.dtype != np.uint8:
            raise self._wrong(
                path, images, f"{shape} uint8, one image for each label"
            )
        return images

    def _open(self, path):
        """Maps an array file into memory, without running pickled code."""
        try:
            return read_array(path)
        except FileNotFoundError:
            raise self._absent(f"no file {path}") from None
        except ReadError as error:
            raise expected(
                "a whole .npy file of plain numbers",
                f"{path} ({error})",
                self.get_it,
            ) from None

    def _absent(self, received):
        return expected(
            f"the folder {self.folder}", received, self.get_it, AbsentError
        )

    def _wrong(self, path, array, form):
        received = f"{path} with shape={array.shape}, dtype={array.dtype}"
        return expected(form, received, self.get_it)
