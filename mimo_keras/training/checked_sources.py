"""Checks of batches on their way from a source of data to a training step.

In the graph of a step, values are not known and some devices cannot stop for an
error. So batches are checked where they come from: those of a tf.data.Dataset
in its own pipeline, those of Python sources as NumPy arrays. No weight has then
been changed by a bad batch.
"""

import contextlib
import copy
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.errors import InputError, expected
from mimo_keras.layers import StandardizeImages, standardize_images
from mimo_keras.training import (
    data_checks,
    input_words,
    packed_rows,
    scale_checks,
)
from mimo_keras.training.distribute import uneven
from mimo_keras.training.likelihoods import Likelihood
from mimo_keras.training.packed_rows import MappedSource

# A few images of each batch tell its scale.
_ROWS = 4
_FAULT = re.compile(r"assertion failed: \[mimo_keras (\w+)\] \[([^\]]*)\]")
# TensorFlow quotes what Python raised while it read a source.
_QUOTED = re.compile(r"^InputError: (.+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Checks:
    """What the batches of a source must satisfy.

    Attributes:
        image_shape: Shape of one image.
        standardize: The model's `layers.StandardizeImages`.
        likelihood: `likelihoods.Likelihood`; None if there are no targets, as
            in prediction.
        copies: As of `data_checks.check_images`.
    """

    image_shape: tuple
    standardize: StandardizeImages
    likelihood: Likelihood | None
    copies: int = 0

    def source(self, x):
        """Returns a source whose batches are checked when they are read.

        Args:
            x: tf.data.Dataset, keras.utils.PyDataset or an iterator; anything
                else is returned as it is.

        Returns:
            A source of the same kind, and the shape of its targets, None if it
            is unknown.

        Raises:
            InputError: The source is empty, or what is known of its batches
                does not fit.
        """
        is_source = isinstance(x, (Iterable, keras.utils.PyDataset))
        if not is_source or isinstance(x, (dict, str, bytes)):
            raise expected(
                f"{self._words.many}: an array, or a source of batches",
                f"x of type {type(x).__name__}",
                "Pass one array, a tf.data.Dataset or a PyDataset; for several "
                "inputs, create the model with input_shape as a dictionary.",
            )
        if isinstance(x, keras.utils.PyDataset):
            if x.num_batches == 0:  # None if it is endless.
                raise empty()
            first = self.check(x[0])
            return MappedSource(x, self._passed), first
        if isinstance(x, Iterator):
            first = next(x, None)
            if first is None:
                raise empty()
            batches = itertools.chain([first], x)
            return self._generator(batches), self.check(first)
        spec = getattr(x, "element_spec", None)
        if spec is None:
            return self._loader(x), None
        shape = self._check_spec(spec)
        if hasattr(x, "cardinality") and int(x.cardinality()) == 0:
            raise empty()
        return (self._asserted_all(x) if hasattr(x, "map") else x), shape

    def _loader(self, x):
        """Returns a loader of PyTorch that checks its batches as it reads."""
        kind = type(x)
        homes = [parent.__module__ for parent in kind.__mro__]
        if not any(home.startswith("torch.utils.data") for home in homes):
            return x
        checked = copy.copy(x)
        checked.__class__ = type(
            kind.__name__,
            (kind,),
            {"__iter__": lambda own: map(self._passed, kind.__iter__(own))},
        )
        return checked

    def check(self, batch):
        """Checks a batch of arrays; returns the shape of its targets."""
        images, targets, weights = self._unpacked(batch)
        images = data_checks.numbers(images)
        data_checks.check_images(images.shape, self.image_shape, self.copies)
        self.standardize.check_dtype(str(images.dtype))
        scale_checks.check_scale(images, self.standardize)
        if self.likelihood is None:
            return None
        data_checks.check_finite(images, self._words.many)
        targets = data_checks.numbers(targets)
        self.likelihood.check_targets(targets)
        if weights is not None:
            data_checks.check_weights(weights, len(images))
        return targets.shape

    def _generator(self, batches):
        for batch in batches:
            batch = self._passed(batch)
            # As Keras wants it of Python sources.
            yield batch if isinstance(batch, tuple) else (batch,)

    def _passed(self, batch):
        """Returns a batch after its check."""
        self.check(batch)
        return batch

    def _unpacked(self, element):
        """Returns an element's images, targets and weights."""
        parts = element if isinstance(element, (tuple, list)) else (element,)
        least = 1 if self.likelihood is None else 2
        is_plain = all(hasattr(part, "shape") for part in parts)
        if not is_plain or not least <= len(parts) <= 3:
            many = self._words.many
            wanted = many if least == 1 else f"({many}, labels)"
            raise expected(
                f"a source of batches {wanted}, as tuples",
                f"elements {_outline(element)}",
                "Load with as_supervised=True, or map them: "
                'dataset.map(lambda x: (x["image"], x["label"])).',
            )
        return (*parts, None, None)[:3]

    def _check_spec(self, spec):
        images, targets, weights = self._unpacked(spec)
        if not hasattr(images.shape, "rank"):
            return None  # Of several replicas.
        data_checks.check_images(images.shape, self.image_shape, self.copies)
        self.standardize.check_dtype(images.dtype.name)
        if images.dtype.name == "uint8":
            blank = np.zeros((1, *[1] * len(self.image_shape)), "uint8")
            scale_checks.check_scale(blank, self.standardize)
        if self.likelihood is None:
            return None
        self.likelihood.check_shape(targets.shape)
        if not _is_numeric(targets.dtype):
            raise expected(
                "labels that are numbers",
                f"dtype={targets.dtype.name}",
                data_checks.NAMES,
            )
        if weights is not None:
            data_checks.check_weights_shape(weights.shape)
            dtype = weights.dtype
            data_checks.check_weights_dtype(dtype.name, _is_numeric(dtype))
        return tuple(targets.shape)

    def _asserted_all(self, source):
        """Returns a tf.data.Dataset whose batches are checked ahead of time."""
        import tensorflow as tf

        # Converting the functions of the checks, none of which needs it, took
        # half a second of every process.
        check = tf.autograph.experimental.do_not_convert(self._asserted)
        # On other threads than the step's, in the same order.
        return source.map(check, num_parallel_calls=tf.data.AUTOTUNE)

    def _asserted(self, *batch):
        """Returns a batch of a tf.data.Dataset after checks of its values."""
        import tensorflow as tf

        images, targets, weights = (*batch, None, None)[:3]
        faults = {}
        if self._has_scale and images.dtype != tf.uint8:
            some = tf.cast(images[:_ROWS], tf.float32)
            extent = scale_checks.measured(
                some, self.standardize, tf.reduce_mean, tf.reduce_max
            )
            rank = len(self.image_shape)
            is_far = scale_checks.is_outside(extent, self.standardize, rank)
            faults["scale"] = is_far, extent[1]
        if images.dtype.is_floating and scale_checks.takes_bytes(
            self.standardize
        ):
            largest = tf.cast(tf.reduce_max(images), tf.float32)
            least = tf.cast(tf.reduce_min(images), tf.float32)
            is_black = scale_checks.is_black(least, largest)
            faults["bytes"] = is_black, largest
        if self.likelihood is not None:
            if images.dtype.is_floating:
                faults["images"] = ~_is_finite(images), tf.zeros(1)
            wide = tf.cast(targets, tf.float64)
            bad = self.likelihood.faults(wide)
            faults["labels"] = tf.reduce_any(bad), wide[bad][:1]
        if weights is not None and weights.dtype.is_floating:
            bad = ~tf.math.is_finite(weights)
            faults["weights"] = tf.reduce_any(bad), weights[bad][:1]
        asserted = [
            tf.debugging.Assert(~is_bad, [f"mimo_keras {name}", value])
            for name, (is_bad, value) in faults.items()
        ]
        with tf.control_dependencies(asserted):
            batch = tf.nest.map_structure(tf.identity, batch)
        return batch if len(batch) > 1 else batch[0]

    @property
    def _words(self):
        return input_words.words(self.image_shape)

    @property
    def _has_scale(self):
        scales = (None, standardize_images.UNSTATED)
        return self.standardize.input_scale not in scales

    @contextlib.contextmanager
    def reported(self, model):
        """Raises faults that were found in a data set's pipeline as errors.

        Args:
            model: keras.Model, which keeps its weights then.
        """
        try:
            with (
                uneven.allowed(),
                keras_internals.variables_kept(model),
            ):
                yield
        except UnboundLocalError as error:  # Keras's, under JAX.
            raise empty() from error
        except Exception as error:
            text = str(error)
            if found := _FAULT.search(text):
                raise self._error(*found.groups()) from error
            if found := _QUOTED.search(text):
                raise InputError(found[1]) from error
            raise

    def _error(self, name, value):
        value = float(value.strip("[]").split()[0])
        if name == "scale":
            rank = len(self.image_shape)
            return scale_checks.error(value, self.standardize, rank)
        if name == "bytes":
            return scale_checks.black(value, self.standardize)
        if name == "images":
            return expected(
                f"finite {self._words.many}",
                "NaN or infinity in a batch",
                "Remove or fix these.",
            )
        if name == "whole":
            return packed_rows.too_large(int(value))
        if name == "weights":
            return data_checks.weights_error(f"{value:g}")
        return self.likelihood.fault_error(f"{value:g}")


def empty():
    """Returns the error about a source without batches."""
    return expected(
        "a source of at least one batch",
        "none",
        "Check its files and filters.",
    )


def _is_finite(images):
    """Whether all values of TensorFlow's floats are finite.

    A sum is, unless one of them is not or it is too large to be told by it, and
    takes half the time.
    """
    import tensorflow as tf

    return tf.cond(
        tf.math.is_finite(tf.reduce_sum(images)),
        lambda: True,
        lambda: tf.reduce_all(tf.math.is_finite(images)),
    )


def _is_numeric(dtype):
    """Whether TensorFlow's dtype is one of real numbers."""
    return dtype.is_floating or dtype.is_integer or dtype.is_bool


def _outline(element):
    """Returns the structure of an element, without its values."""
    if isinstance(element, dict):
        return "{" + ", ".join(map(repr, element)) + "}"
    if isinstance(element, (tuple, list)):
        return "(" + ", ".join(map(_outline, element)) + ")"
    shape = getattr(element, "shape", None)
    return type(element).__name__ if shape is None else f"of shape {shape}"
