"""What a model remembers of its training data: enough to recognize them."""

import dataclasses
import math
import weakref
from collections.abc import Callable

import numpy as np

from mimo_keras.errors import expected

_ROWS = 2048
"""Rows of an array that are remembered."""
_NUMBERS = 1024
"""Numbers of a row that are compared."""
_DISTINCT = 0.9
"""Share of different rows from which on a row says where it is from."""
_LEAST = 3
"""Rows that may stand in two sets by chance."""
_PARTS = 16
"""The latest calls of `fit` that are remembered."""


@dataclasses.dataclass(frozen=True)
class _Part:
    """Data of one call of `fit`.

    Attributes:
        source: Function that returns the object, or None once it is gone.
        rows: Hashes of rows of an array, if they say where a row is from.
        share: Of the array's rows, those whose hashes these are.
    """

    source: Callable
    rows: frozenset = frozenset()
    share: float = 1.0

    def has(self, data, hashes):
        """Whether data, an array's rows by their hashes, are from here."""
        if not self.rows or not hashes:
            return self.source() is data
        found = sum(one in self.rows for one in hashes)
        return found >= max(_LEAST, self.share * len(hashes) / 2)


@dataclasses.dataclass(frozen=True)
class SeenExamples:
    """The data that a model was trained on in this process.

    Data sets are recognized as objects; of arrays some rows are kept as hashes,
    by which also a part of the array is recognized, or a copy of the same
    values.

    Args:
        parts: What each call of `fit` was given.
    """

    parts: tuple = ()

    def also(self, x, validation_split=0.0):
        """Returns what is known after another call of `fit`.

        Args:
            x: Array of images, or a data set.
            validation_split: Share of an array, its end, that is held out.
        """
        if any(part.source() is x for part in self.parts):
            return self
        try:
            source = weakref.ref(x)
        except TypeError:  # Lists and other objects of Python's own.
            source = _nothing
        part = _Part(source)
        if _is_array(x):
            x = np.asarray(x)
            trained = math.floor(len(x) * (1 - validation_split))
            part = _of_rows(source, x[:trained])
        return SeenExamples((*self.parts[1 - _PARTS :], part))

    def check_held_out(self, data):
        """Raises InputError if the model was trained on these examples.

        Args:
            data: Array of images, or batches.
        """
        hashes = _hashes(np.asarray(data)) if _is_array(data) else []
        if any(part.has(data, hashes) for part in self.parts):
            raise expected(
                "held-out examples",
                "examples that the model was trained on",
                "Keep some out of fit: training examples are predicted with "
                "more confidence than new ones.",
            )


def _is_array(data):
    return isinstance(data, list) or hasattr(data, "__array__")


def _nothing():
    """Stands for an object that is gone."""


def _of_rows(source, x):
    some = np.linspace(0, len(x) - 1, min(_ROWS, len(x))).astype(int)
    rows = frozenset(_hashes(x[some]))
    # Where rows repeat, as of few categories, those of new examples do, too.
    if len(rows) < max(_LEAST, _DISTINCT * len(some)):
        return _Part(source)
    return _Part(source, rows, len(some) / len(x))


def _hashes(x):
    if not len(x):
        return []
    x = x.reshape(len(x), -1)
    x = x[:, :: max(1, x.shape[1] // _NUMBERS)].astype("float32")
    return [hash(row.tobytes()) for row in x]
