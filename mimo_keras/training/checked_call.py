"""Calls of a model, after a check of the images."""

import functools

import keras
import numpy as np

from mimo_keras.errors import expected
from mimo_keras.training import (
    data_checks,
    empty_replicas,
    packed_rows,
    scale_checks,
)
from mimo_keras.training.checked_sources import Checks
from mimo_keras.training.distribute import untuned
from mimo_keras.training.distribute.seeds import repeatable
from mimo_keras.training.input_words import words


class CheckedCall:
    """Mixin for keras.Model that refuses images that do not fit.

    List it before keras.Model. The model must have a `network`, an
    `image_shape` and a `standardize` layer. Values are checked where they are
    known: in an eager call, not in the graph of a tf.function, of `fit` or of
    an export.
    """

    copies = 0
    """How many copies of each image a training batch may hold; 0 for none."""

    @functools.cached_property
    def split(self):
        """`layers.SplitInputs` of the network, or None for one input."""
        return packed_rows.split_of(self.network)

    @property
    def input_shapes(self):
        """Shapes of one example's inputs by name; None for one input."""
        return None if self.split is None else dict(self.split.shapes)

    def joined(self, images):
        """Returns a dictionary of named inputs as one array (n, D).

        Args:
            images: The dictionary; anything else is returned as it is.
        """
        if not isinstance(images, dict):
            return images
        return packed_rows.packed(self.split, images)

    def predict(self, x, batch_size=None, *args, **kwargs):
        """Predicts as in Keras, after a check of arrays of images.

        Networks that draw in prediction, as mc_dropout does, draw the same
        numbers each time, unlike in a plain call.
        """
        data_checks.check_count("batch_size", batch_size)
        checks = self._checks()
        # Of images, as in a call, not of images and labels.
        x = self._checked_images(list(x) if isinstance(x, tuple) else x)
        if not data_checks.is_array(x):
            x, _ = checks.source(x)
        elif keras.backend.backend() == "tensorflow":
            x = untuned.source(x, batch_size)
        with checks.reported(self), repeatable(self):
            return super().predict(x, batch_size, *args, **kwargs)

    def predict_on_batch(self, x):
        """Predicts a batch as in Keras, after the same check."""
        x = packed_rows.packed(self.split, x)
        x = checked_images(x, self.image_shape, self.standardize)
        rows = x.shape[0]
        # Each of several replicas gets the whole batch, and Keras joins them.
        return keras.tree.map_structure(
            lambda values: values[:rows], super().predict_on_batch(x)
        )

    def __call__(self, images, *args, **kwargs):
        images = packed_rows.packed(self.split, images)
        copies = self.copies if kwargs.get("training") else 0
        images = checked_images(
            images, self.image_shape, self.standardize, copies
        )
        return super().__call__(images, *args, **kwargs)

    def _checks(self, likelihood=None, copies=0):
        return Checks(self.image_shape, self.standardize, likelihood, copies)

    def _checked_images(self, x, copies=0):
        x = packed_rows.packed(self.split, x)
        if not data_checks.is_array(x):
            return x
        return checked_images(x, self.image_shape, self.standardize, copies)


def checked_images(images, image_shape, standardize, copies=0):
    """Returns images as an array or a tensor, after checking them.

    Args:
        images: Array or tensor (B, …), of any backend, or a list of images.
        image_shape: Shape of one image.
        standardize: The model's `layers.StandardizeImages`.
        copies: As of `data_checks.check_images`.

    Raises:
        InputError: They do not fit the model.
    """
    images = as_array(images, image_shape)
    if empty_replicas.has_none(images):
        return images
    data_checks.check_images(images.shape, image_shape, copies)
    standardize.check_dtype(keras.backend.standardize_dtype(images.dtype))
    if isinstance(images, keras.KerasTensor) or not images.shape[0]:
        return images
    values = _known(images)
    if values is not None:
        scale_checks.check_scale(values, standardize)
    return images


def as_array(images, image_shape):
    """Returns a list of images as an array; a backend's tensor as it is."""
    given = images
    if isinstance(images, (list, tuple)):
        if len(images) == 1 and len(np.shape(images[0])) > len(image_shape):
            return images[0]  # Keras's list of a model's inputs.
        images = data_checks.listed(images)
        if images.dtype.kind == "f":
            images = images.astype(keras.config.floatx())
    is_tensor = keras.ops.is_tensor(images)
    if is_tensor or isinstance(images, keras.KerasTensor):
        if not hasattr(images, "__array__"):  # Sparse, ragged.
            raise _no_array(given, image_shape)
        return images
    try:
        images = np.asarray(images)
    except Exception as error:  # Arrays of other libraries, on a GPU.
        raise _no_array(given, image_shape, f"no array: {error}") from error
    # NumPy does not know the kind of bfloat16 and its like.
    known = images.dtype.kind not in "OUSMm" and images.dtype.itemsize <= 8
    if not known or not images.ndim:
        raise _no_array(given, image_shape, f"dtype {images.dtype}")
    return images


def _no_array(given, image_shape, reason="no dense array"):
    return expected(
        f"{words(image_shape).many} of shape (B, "
        f"{', '.join(map(str, image_shape))})",
        f"{type(given).__name__} of {str(reason)[:200]}",
        "Pass numbers: an array, or a list of arrays of one shape.",
    )


def _known(tensor):
    """Returns a tensor's values as NumPy; None while a graph is traced."""
    try:
        return np.asarray(tensor)
    except (NotImplementedError, TypeError, AttributeError):
        return None
