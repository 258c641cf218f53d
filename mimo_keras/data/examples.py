"""A data set in memory: images, their labels and the number of classes."""

import dataclasses

import numpy as np

from mimo_keras.data import pipeline
from mimo_keras.errors import expected


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Images with their labels, as NumPy arrays.

    Args:
        name: Name of the data set in results and messages.
        images: (n, H, W, C) uint8 in 0..255, or float32 in the data set's
            own units; (n, features) for vectors.
        labels: (n,) int64 in 0..num_classes-1; for regression (n, d) float32.
        num_classes: The number of classes, or None for regression.

    Example:

    ```python
    examples = mimo_keras.data.Examples("mine", images, labels, num_classes=10)
    len(examples), examples.image_shape                      # (64, (8, 8, 1))
    ```
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    num_classes: int | None

    def __len__(self):
        return len(self.images)

    @property
    def image_shape(self):
        """Shape of one image."""
        return self.images.shape[1:]

    def evaluation_batches(self, batch_size):
        """As `pipeline.evaluation_batches`.

        Args:
            batch_size: Largest number of rows in a batch.
        """
        return pipeline.evaluation_batches(self, batch_size)

    def weighted_batches(self, batch_size):
        """As `pipeline.weighted_batches`.

        Args:
            batch_size: Number of rows in every batch.
        """
        return pipeline.weighted_batches(self, batch_size)

    def checked(self):
        """Checks these examples and returns them.

        Raises:
            InputError: The arrays are empty, of a wrong dtype or rank, of
                unequal lengths, not finite, or a label is out of range.
        """
        _check_images(self)
        if len(self.labels) != len(self.images):
            raise expected(
                f"as many labels as images in {self.name}",
                f"images={len(self.images)}, labels={len(self.labels)}",
                "Give every image exactly one label.",
            )
        if self.num_classes is None:
            _check_targets(self)
        else:
            _check_classes(self)
        return self

    def take(self, n):
        """Returns the first `n` examples, or all if there are fewer.

        Args:
            n: How many.
        """
        return self.subset(slice(n))

    def subset(self, indices):
        """Returns the examples at `indices`: integers, a mask or a slice.

        Args:
            indices: What NumPy takes as the index of an array's first axis.
        """
        return dataclasses.replace(
            self, images=self.images[indices], labels=self.labels[indices]
        )


def _check_images(examples):
    images = examples.images
    if images.dtype not in (np.uint8, np.float32):
        raise expected(
            f"uint8 or float32 images in {examples.name}",
            f"dtype={images.dtype}",
            "Convert the images first.",
        )
    if images.ndim not in (2, 4) or 0 in images.shape:
        raise expected(
            f"images (n, height, width, channels) in {examples.name}, with n "
            "at least 1",
            f"shape={images.shape}",
            "Reshape the images, or choose a split that is not empty.",
        )
    _check_finite(examples.name, "images", images)


def _check_targets(examples):
    labels = examples.labels
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.floating):
        raise expected(
            f"floating-point regression labels (n, d) in {examples.name}",
            f"shape={labels.shape}, dtype={labels.dtype}",
            "Convert the labels, or give num_classes for classification.",
        )
    _check_finite(examples.name, "labels", labels)


def _check_classes(examples):
    labels, classes = examples.labels, examples.num_classes
    if labels.ndim != 1 or labels.dtype != np.int64:
        raise expected(
            f"int64 class labels (n,) in {examples.name}",
            f"shape={labels.shape}, dtype={labels.dtype}",
            "Convert the labels, or give num_classes=None for regression.",
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise expected(
            f"labels in 0..{classes - 1} in {examples.name}",
            f"labels[{wrong[0]}]={labels[wrong[0]]}",
            "Fix the labels or num_classes.",
        )


def _check_finite(name, what, values):
    """Raises an error that names the first example with a NaN or infinity."""
    if not np.issubdtype(values.dtype, np.floating):
        return
    finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not finite.all():
        raise expected(
            f"finite {what} in {name}",
            f"{what}[{np.argmin(finite)}] has NaN or infinity",
            "Remove or fix that example.",
        )
