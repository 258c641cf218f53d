"""A progress bar over batches, as Keras draws it."""

import sys

import keras

from mimo_keras.errors import expected


def shown(batches, count, verbose="auto"):
    """Yields batches, and draws how many have been used.

    Args:
        batches: Iterable.
        count: How many there are; None if that is not known.
        verbose: 0 for no bar, 1 for a bar, "auto" for one in a terminal or a
            notebook.

    Raises:
        InputError: `verbose` is none of these.
    """
    if verbose not in (0, 1, "auto"):
        raise expected(
            'verbose as 0, 1 or "auto"', f"verbose={verbose!r}", "Choose one."
        )
    if verbose == "auto":
        verbose = sys.stdout.isatty() or "ipykernel" in sys.modules
    return _drawn(batches, count) if verbose else batches


def _drawn(batches, count):
    bar, done = keras.utils.Progbar(count), 0
    for batch in batches:
        yield batch
        # Back here, the batch has been used.
        done += 1
        bar.update(done, finalize=False)
    if done:
        bar.update(done, finalize=True)


def count_of(batches):
    """Returns how many batches a data set says that it has, or None."""
    try:
        return len(batches)
    except TypeError:  # A generator, or a tf.data.Dataset of unknown length.
        return None
