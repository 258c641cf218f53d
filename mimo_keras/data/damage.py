"""Unreadable photographs: reported with file and record, or skipped."""

import contextlib
import logging

from mimo_keras.errors import argument, expected


class Skipped:
    """The rows of a set that were skipped, each counted once."""

    def __init__(self):
        self._found = set()

    def __len__(self):
        return len(self._found)

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
        good: (B,), whether each could be read; at least one must be True.

    Returns:
        Images and labels.
    """
    import tensorflow as tf

    def with_others():
        count = tf.size(good)
        usable = tf.where(good)[:, 0]
        others = tf.gather(usable, tf.range(count) % tf.size(usable))
        rows = tf.where(good, tf.range(count, dtype=tf.int64), others)
        return tf.gather(images, rows), tf.gather(labels, rows)

    return tf.cond(tf.reduce_all(good), lambda: (images, labels), with_others)


@contextlib.contextmanager
def named(photographs):
    """Explains a TensorFlow error inside the block if a bad row caused it.

    Args:
        photographs: `photographs.Photographs` that the block reads.

    Raises:
        InputError: A row cannot be read; the message names file and record.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError:
        logging.warning(
            "An error in %s: looking for an unreadable row among %d.",
            photographs.name,
            len(photographs),
        )
        row = _first_bad(photographs)
        if row is None:
            raise
        file, index = row[0].decode(), int(row[1])
        # With skip, an error means that a batch has no good row at all.
        skip = argument("skip", True)
        instead = "" if photographs.skip else f", or pass {skip}"
        raise expected(
            f"photographs of {photographs.name} that can be read",
            f"{file}, record {index} ({_reason(photographs, row)})",
            f"Prepare that data again{instead}.",
        ) from None


def _first_bad(photographs):
    """Returns the first (file, index, record) that cannot be read, or None."""
    import tensorflow as tf

    def tried(*row):
        return *row, _tried(photographs, photographs.center, row)[2]

    rows = photographs.rows().map(tried, num_parallel_calls=tf.data.AUTOTUNE)
    rows = rows.filter(lambda *row: not row[-1]).take(1)
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
        return " ".join(str(error).split())[:160]
    return "an earlier attempt to read it failed"
