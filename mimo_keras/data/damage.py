"""Unreadable photographs: reported with file and record, or skipped."""

import contextlib
import logging
import re

import numpy as np

from mimo_keras.data.pipeline import options
from mimo_keras.errors import argument, expected

NONE = "no photograph of the set can be read"
NONE_OF_BATCH = "no photograph of a batch can be read"
"""What TensorFlow's errors say, so that `named` can explain them."""


class Skipped:
    """The rows of a set that were skipped, each counted once."""

    def __init__(self):
        self._found = set()

    def __len__(self):
        return len(self._found)

    def indices(self):
        """Returns the indices of the rows in their files, sorted, (s,)."""
        return np.array(sorted(index for _, index in self._found), np.int64)

    def add(self, file, index):
        """Records a row, and logs it the first time."""
        row = (file.decode(), int(index))
        if row not in self._found:
            self._found.add(row)
            logging.warning("Skipped an unreadable row: %s, record %d.", *row)


def guarded(photographs, decode):
    """Returns a function from rows to images, for `tf.data.Dataset.map`.

    Args:
        photographs: `photographs.Photographs`.
        decode: Function from (…, file, index, record) to (image, label).

    Returns:
        A function from (…, file, index, record) to (image, label, good).
        If rows are skipped, a bad one yields a black image and good=False;
        otherwise it raises TensorFlow's error, which `named` explains.
    """
    import tensorflow as tf

    if not photographs.skip:
        return lambda *row: (*decode(*row), True)

    def skipping(*row):
        image, label, good = _tried(photographs, decode, row)
        file, index = row[-3:-1]
        noted = tf.cond(good, lambda: True, lambda: _note(file, index))
        with tf.control_dependencies([noted]):
            return image, label, tf.identity(good)

    def _note(file, index):
        # Python code runs only for bad rows.
        def add(file, index):
            photographs.skipped.add(file, index)
            return True

        noted = tf.numpy_function(add, (file, index), tf.bool)
        return tf.ensure_shape(noted, ())

    return skipping


def replaced(images, labels, good):
    """Replaces the bad rows of a batch by good ones, in turn.

    Args:
        images: (B, …).
        labels: (B,).
        good: (B,), whether each could be read.

    Returns:
        Images and labels.

    Raises:
        tf.errors.InvalidArgumentError: None could be read; see `named`.
    """
    import tensorflow as tf

    def with_others():
        count = tf.size(good)
        usable = tf.where(good)[:, 0]
        some = tf.debugging.assert_positive(tf.size(usable), NONE_OF_BATCH)
        with tf.control_dependencies([some] if some is not None else []):
            others = tf.gather(usable, tf.range(count) % tf.size(usable))
        rows = tf.where(good, tf.range(count, dtype=tf.int64), others)
        return tf.gather(images, rows), tf.gather(labels, rows)

    return tf.cond(tf.reduce_all(good), lambda: (images, labels), with_others)


def some_readable(batches, count):
    """Passes batches on, and fails at the last if no row could be read.

    Args:
        batches: Dataset of (images, labels, good (b,)).
        count: Number of batches.

    Returns:
        A dataset of the same batches, which raises
        tf.errors.InvalidArgumentError; see `named`.
    """
    import tensorflow as tf

    def watched(found, row):
        index, batch = row
        found |= tf.reduce_any(batch[2])
        is_last = tf.equal(index, count - 1)
        check = tf.debugging.Assert(found | ~is_last, [NONE])
        with tf.control_dependencies([check]):
            return found, tf.nest.map_structure(tf.identity, batch)

    return batches.enumerate().scan(tf.constant(False), watched)


@contextlib.contextmanager
def named(photographs):
    """Explains a TensorFlow error inside the block if a bad row caused it.

    Args:
        photographs: `photographs.Photographs` that the block reads.

    Returns:
        A context manager.

    Raises:
        InputError: A row cannot be read; the message names file and record.

    Example:

    ```python
    from mimo_keras.data.photographs import Files
    from PIL import Image

    Image.new("RGB", (40, 30)).save("cat.png")
    pets = Files(name="pets", num_classes=2, size=16, paths=("cat.png",),
                 labels=np.array([0]))
    with mimo_keras.data.named_damage(pets):
        batch, _ = next(pets.evaluation_batches(2))
    ```
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        logging.warning(
            "An error in %s: looking for an unreadable row among %d.",
            photographs.name,
            len(photographs),
        )
        if NONE in str(error):
            # It is another set's if this one has a good row.
            cause = none_readable(photographs)
        elif (row := _first(photographs, good=False)) is not None:
            cause = _unreadable(photographs, row, NONE_OF_BATCH in str(error))
        else:
            cause = None
        if cause is None:
            raise
        raise cause from None


def none_readable(photographs):
    """Returns an `InputError` if no row can be read; None if one can."""
    if _first(photographs, good=True) is not None:
        return None
    file, index, reason = _described(
        photographs, next(iter(photographs.rows()))
    )
    return expected(
        f"photographs of {photographs.name} that can be read",
        f"{len(photographs)} that cannot; the first is {file}, record {index} "
        f"({reason})",
        "Prepare that data again.",
    )


def _unreadable(photographs, row, is_batch):
    """Returns the error for a bad row, which may be the first of a batch."""
    file, index, reason = _described(photographs, row)
    # With skip, an error means that a batch has no good row at all.
    skip = argument("skip", True)
    instead = "" if photographs.skip else f", or pass {skip}"
    whole = "in every batch " if is_batch else ""
    return expected(
        f"photographs {whole}of {photographs.name} that can be read",
        f"{file}, record {index} ({reason})",
        f"Prepare that data again{instead}.",
    )


def _described(photographs, row):
    """Returns the file of a bad row, its index and what is wrong."""
    file, index = bytes(np.asarray(row[0]).item()).decode(), int(row[1])
    return file, index, _reason(photographs, row)


def _first(photographs, good):
    """Returns the first (file, index, record) that is good, or bad, or None."""
    import tensorflow as tf

    def tried(*row):
        return *row, _tried(photographs, photographs.center, row)[2]

    rows = photographs.rows().map(tried, num_parallel_calls=tf.data.AUTOTUNE)
    rows = rows.filter(lambda *row: row[-1] == good).take(1)
    rows = rows.with_options(options())
    return next(rows.as_numpy_iterator(), None)


def _tried(photographs, decode, row):
    """Returns (image, label, True), or a black image, 0 and False."""
    import tensorflow as tf

    # A dataset of one row, since only datasets can ignore errors.
    attempt = tf.data.Dataset.from_tensors(row).map(
        lambda *row: (*decode(*row), True)
    )
    blank = tf.zeros(photographs.image_shape, tf.uint8)
    nothing = (blank, tf.zeros((), tf.int64), False)
    attempt = attempt.ignore_errors().concatenate(
        tf.data.Dataset.from_tensors(nothing)
    )
    return attempt.take(1).get_single_element()


def _reason(photographs, row):
    import tensorflow as tf

    file, index, record = row[:3]
    if not record and not hasattr(photographs, "paths"):
        return "the file is truncated or damaged before its end"
    row = (tf.constant(file), tf.constant(index), tf.constant(record))
    try:
        label = int(photographs.parse(*row)[1])
        if not 0 <= label < photographs.num_classes:
            return f"label {label} is not in 0 … {photographs.num_classes - 1}"
        photographs.center(*row)
    except (tf.errors.OpError, ValueError) as error:
        return _essence(str(error))
    return "an earlier attempt to read it failed"


def _essence(text):
    """Returns what TensorFlow says behind the stack of a graph's node."""
    text = re.sub(r"\s*\[\[.*|\{\{.*?\}\}|\[Op:.*", "", text, flags=re.DOTALL)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "no reason is given"
