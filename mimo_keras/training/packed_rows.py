"""Rows that hold all named inputs of an example, from what users pass.

Everything behind a model's doors (`fit`, `predict`, a call, …) sees one array:
see `layers.SplitInputs`, which takes the rows apart again within the network.
"""

import functools
from collections.abc import Iterator, Mapping

import keras
import numpy as np
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import SplitInputs
from mimo_keras.training import data_checks

LARGEST = 2**24
"""Whole numbers up to it are exact in float32."""


def split_of(network):
    """Returns the layer that splits a network's rows; None if there is none."""
    layers = keras_internals.layers_within(network)
    return next((x for x in layers if isinstance(x, SplitInputs)), None)


def packed(split, x):
    """Returns data whose images are rows, where they were dictionaries.

    Args:
        split: `layers.SplitInputs`, or None for a model of one input.
        x: What `fit`, `predict` or a call is given: a dictionary of arrays or
            tensors, or a source of batches with such dictionaries.

    Returns:
        Rows (B, D), or a source of the same kind; anything else as it is.

    Raises:
        InputError: The dictionaries do not fit.
    """
    if split is None:
        return x
    if isinstance(x, keras.utils.PyDataset):
        return MappedSource(x, functools.partial(_element, split))
    if isinstance(x, Iterator):
        return (_element(split, batch) for batch in x)
    spec = getattr(x, "element_spec", None)
    if spec is None:
        return _element(split, x, alone=True)
    if not hasattr(x, "map") or not isinstance(_first(spec), Mapping):
        return x
    import tensorflow as tf

    def pack(images, *others):
        rows = _tensors(split, images)
        return (rows, *others) if isinstance(spec, tuple) else rows

    _checked(split, _first(spec))
    pack = tf.autograph.experimental.do_not_convert(pack)
    return x.map(pack, num_parallel_calls=tf.data.AUTOTUNE)


def unpacked(split, rows):
    """Returns rows (NumPy) as the dictionary that the model is given."""
    return {
        name: rows[:, place]
        .reshape(-1, *split.shapes[name])
        .astype(split.dtypes.get(name, "float32"))
        for name, place in split.places().items()
    }


def signature(split, image_shape):
    """Returns what an export takes: one keras.InputSpec, or a dictionary."""
    if split is None:
        return keras.InputSpec(shape=(None, *image_shape), dtype="float32")
    return {
        name: keras.InputSpec(
            shape=(None, *shape),
            dtype=split.dtypes.get(name, "float32"),
            name=name,
        )
        for name, shape in split.shapes.items()
    }


def too_large(value):
    """Returns the error about a whole number that a row cannot hold."""
    return expected(
        f"whole numbers up to {LARGEST} in inputs of a dictionary",
        f"{value}",
        "Hash ids to fewer, or scale the numbers.",
    )


def _first(element):
    return element[0] if isinstance(element, (tuple, list)) else element


def _element(split, batch, alone=False):
    """Returns a batch with rows in place of its dictionary."""
    if isinstance(batch, Mapping):
        return _dictionary(split, batch)
    if isinstance(batch, (tuple, list)) and not alone and len(batch):
        return (_element(split, batch[0], alone=True), *batch[1:])
    shape = getattr(batch, "shape", None)
    rank = getattr(shape, "rank", 0)
    if shape is None or rank is None or tuple(shape)[1:] == (split.width,):
        return batch
    raise expected(
        f"a dictionary of the inputs {', '.join(split.shapes)}",
        f"one array of shape {tuple(shape)}",
        'Pass {"name": array, …}, as many rows in each.',
    )


def _dictionary(split, values):
    """Packs a dictionary of arrays, or of tensors of the backend."""
    is_tensor = any(
        ops.is_tensor(x) or isinstance(x, keras.KerasTensor)
        for x in values.values()
    )
    if not is_tensor:
        return _arrays(split, values)
    shapes = _checked(split, values)
    parts = [
        ops.reshape(ops.cast(values[name], "float32"), (-1, size))
        for name, size in shapes
    ]
    return ops.concatenate(parts, axis=1)


def _arrays(split, values):
    """Packs a dictionary of arrays, or of what NumPy makes arrays of."""
    arrays = {name: data_checks.numbers(x) for name, x in values.items()}
    shapes = _checked(split, arrays)
    counts = {name: len(arrays[name]) for name, _ in shapes}
    if len({*counts.values()}) > 1:
        raise expected(
            "as many rows in each input", f"{counts}", "Compare their lengths."
        )
    parts = []
    for name, size in shapes:
        array = arrays[name]
        if array.dtype.kind in "iu" and array.dtype.itemsize > 2 and array.size:
            largest = max(int(array.max()), -int(array.min()))
            if largest > LARGEST:
                raise too_large(largest)
        parts.append(array.reshape(-1, size).astype("float32"))
    return np.concatenate(parts, axis=1)


def _tensors(split, values):
    """Packs the dictionary of a batch of a tf.data.Dataset."""
    import tensorflow as tf

    parts = []
    for name, size in _checked(split, values):
        value = values[name]
        if value.dtype.is_integer and value.dtype.size > 2:
            wide = tf.cast(value, tf.int64)
            bad = tf.abs(wide) > LARGEST
            fine = tf.debugging.Assert(
                ~tf.reduce_any(bad), ["mimo_keras whole", wide[bad][:1]]
            )
            with tf.control_dependencies([fine]):
                value = tf.identity(value)
        parts.append(tf.reshape(tf.cast(value, tf.float32), (-1, size)))
    rows = tf.concat(parts, axis=1)
    known = {values[name].shape[0] for name in split.shapes} - {None}
    rows.set_shape((known.pop() if known else None, split.width))
    return rows


def _checked(split, values):
    """Checks names and shapes; returns pairs of a name and its numbers."""
    if values.keys() != split.shapes.keys():
        raise expected(
            f"a dictionary of the inputs {', '.join(split.shapes)}",
            f"one of {', '.join(map(str, values))}",
            "Compare with input_shape of the model.",
        )
    found = []
    for name, shape in split.shapes.items():
        value = values[name]
        _check_shape(name, shape, value.shape)
        dtype = getattr(value.dtype, "name", value.dtype)
        if not any(kind in str(dtype) for kind in ("int", "float", "bool")):
            raise expected(
                f"numbers in input {name}",
                f"dtype={dtype}",
                "Convert them, texts to ids.",
            )
        found.append((name, int(np.prod(shape))))
    return found


def _check_shape(name, shape, given):
    """Raises InputError unless an input has shape (B, …)."""
    if getattr(given, "rank", 0) is not None:
        given, wanted = tuple(given), (None, *shape)
        # A column of a table: (B,) where (B, 1) is meant.
        wanted = wanted[:-1] if len(given) < len(wanted) == 2 else wanted
        is_column = len(wanted) == 1 and shape == (1,)
        fits = len(given) == len(wanted) and all(
            None in (a, b) or a == b for a, b in zip(given, wanted, strict=True)
        )
        if fits and (is_column or len(wanted) == 1 + len(shape)):
            return
    sizes = ", ".join(map(str, shape))
    raise expected(
        f"input {name} of shape (B, {sizes})",
        f"shape={given}",
        "Pass a batch, or create the model with another input_shape.",
    )


class MappedSource(keras.utils.PyDataset):
    """A PyDataset whose batches pass through a function when they are read.

    Args:
        source: keras.utils.PyDataset.
        become: Function from a batch to what stands in its place.
    """

    def __init__(self, source, become):
        names = ("workers", "use_multiprocessing", "max_queue_size")
        given = {n: getattr(source, n) for n in names if hasattr(source, n)}
        super().__init__(**given)
        self._source, self._become = source, become

    def __len__(self):
        return self._source.num_batches

    @property
    def num_batches(self):
        return self._source.num_batches

    def __getitem__(self, index):
        return self._become(self._source[index])

    def on_epoch_begin(self):
        self._source.on_epoch_begin()

    def on_epoch_end(self):
        self._source.on_epoch_end()
