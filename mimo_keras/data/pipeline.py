"""Batches in an order that is a function of (seed, epoch) alone."""

import os

import numpy as np

from mimo_keras.errors import expected


def training_batches(
    examples,
    batch_size,
    *,
    seed,
    epochs,
    initial_epoch=0,
    initial_step=0,
    augment=None,
    copies=0,
):
    """Builds the batches of many epochs of training as one dataset.

    Every epoch is a new random order of the examples, divided into
    len(examples) // batch_size batches; the remainder is left out of the epoch.
    The order is a function of (seed, epoch), the augmentation of
    (seed, epoch, step), so a run that resumes at `initial_epoch` sees bit for
    bit the same batches as an uninterrupted one.

    The images are held once, as uint8, outside the dataset's graph.

    Args:
        examples: `Examples` to train on.
        batch_size: Global number of examples in a batch.
        seed: Integer that determines all draws.
        epochs: Epoch to stop before.
        initial_epoch: Epoch to start at.
        initial_step: Batch of that epoch to start at. Skipping earlier ones
            costs nothing.
        augment: Function from (images, seed (2,)) to images, or None.
        copies: If not 0, a batch has so many copies of each image, (B, copies,
            …), each augmented by itself.

    Returns:
        A `tf.data.Dataset` of (images, labels) with static shapes, for `fit`
        with steps_per_epoch = len(examples) // batch_size.

    Raises:
        InputError: The batch is empty or larger than the data set, or
            `initial_epoch` is not in 0..epochs.

    Example:

    ```python
    train = mimo_keras.data.load("digits", "train")
    batches = mimo_keras.data.training_batches(train, 32, seed=0, epochs=2)
    len(batches)                                             # 74
    ```
    """
    import tensorflow as tf

    _check_batch(examples, batch_size)
    _check_epochs(epochs, initial_epoch)
    steps = len(examples) // batch_size
    gather = _gathering(_tensors(examples), augment, copies)

    @tf.autograph.experimental.do_not_convert
    def batches_of(epoch):
        rows = _epoch(seed, len(examples), batch_size, epoch)
        return rows.skip(skipped(initial_epoch, initial_step, epoch))

    batches = tf.data.Dataset.range(initial_epoch, epochs).flat_map(batches_of)
    size = steps * (epochs - initial_epoch) - initial_step
    batches = batches.apply(tf.data.experimental.assert_cardinality(size))
    batches = batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options())


def _gathering(tensors, augment, copies):
    """Returns the function from a batch's rows and seed to the batch."""
    import tensorflow as tf

    images, labels = tensors

    def gather(rows, seed):
        repeated = tf.repeat(rows, copies) if copies else rows
        batch = tf.gather(images, repeated)
        if augment is not None:
            batch = augment(batch, seed)
        if copies:
            shape = (rows.shape[0], copies, *images.shape[1:])
            batch = tf.reshape(batch, shape)
        return batch, tf.gather(labels, rows)

    return gather


def evaluation_batches(examples, batch_size):
    """Divides the examples into batches, in order; the last may be partial.

    Args:
        examples: `Examples` to evaluate on.
        batch_size: Number of examples in a full batch.

    Returns:
        An iterator of NumPy (images, labels).

    Raises:
        InputError: The batch size is not a positive integer.

    Example:

    ```python
    test = mimo_keras.data.load("digits", "test")
    batch, _ = next(mimo_keras.data.evaluation_batches(test, 32))
    batch.shape                                              # (32, 8, 8, 1)
    ```
    """
    _check_positive(batch_size)
    return (
        (
            examples.images[start : start + batch_size],
            examples.labels[start : start + batch_size],
        )
        for start in range(0, len(examples), batch_size)
    )


def weighted_batches(examples, batch_size):
    """Divides the examples into full batches for Keras's `evaluate`, in order.

    A partial last batch is padded with rows of weight 0: devices that share
    each batch need equal parts of it, and no example may be lost. All examples
    have the same weight, chosen so that the mean over all rows is 1: Keras
    divides a weighted loss by the number of rows, not by the weights.

    Args:
        examples: `Examples` to evaluate on.
        batch_size: Number of rows in every batch.

    Returns:
        A `tf.data.Dataset` of (images, labels, weights (b,)).

    Raises:
        InputError: The batch size is not a positive integer.

    Example:

    ```python
    test = mimo_keras.data.load("digits", "test")
    batches = mimo_keras.data.weighted_batches(test, 64)
    model.evaluate(batches, verbose=0)
    ```
    """
    import tensorflow as tf

    _check_positive(batch_size)
    padding = -len(examples) % batch_size
    rows = np.pad(np.arange(len(examples)), (0, padding), mode="edge")
    weights = np.full(len(examples), len(rows) / len(examples), np.float32)
    weights = np.pad(weights, (0, padding))
    images, labels = _tensors(examples)
    batches = tf.data.Dataset.from_tensor_slices((rows, weights))
    batches = batches.batch(batch_size, drop_remainder=True)
    batches = batches.map(
        lambda rows, weights: (
            tf.gather(images, rows),
            tf.gather(labels, rows),
            weights,
        )
    )
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options())


def _tensors(examples):
    """Returns images and labels for a dataset's functions to capture.

    Eager tensors are captured by reference and stay out of the graph, which is
    limited to 2 GB.
    """
    import tensorflow as tf

    with tf.device("CPU:0"):
        return tf.constant(examples.images), tf.constant(examples.labels)


def _epoch(seed, count, batch_size, epoch):
    """Returns a dataset of each batch's rows, (B,), and its seed, (2,)."""
    import tensorflow as tf

    steps = count // batch_size
    address = tf.stack((tf.constant(seed, tf.int64), epoch))
    first, second = tf.unstack(_split(address, 2))
    order = permutation(count, first)[: steps * batch_size]
    rows = tf.reshape(order, (steps, batch_size))
    return tf.data.Dataset.from_tensor_slices((rows, _split(second, steps)))


def skipped(initial_epoch, initial_step, epoch):
    """Returns how many batches to skip in an epoch, given as a tensor."""
    import tensorflow as tf

    return tf.where(
        epoch == initial_epoch, tf.constant(initial_step, "int64"), 0
    )


def _split(seed, count):
    """Derives `count` seeds, (count, 2), from one.

    Philox is specified here and below because the default algorithm depends on
    the device.
    """
    import tensorflow as tf

    return tf.random.split(seed, count, alg="philox")


def permutation(n, seed):
    """Returns 0..n-1 in a random order determined by `seed` (2,)."""
    import tensorflow as tf

    keys = tf.random.stateless_uniform(
        (n,), seed, None, None, tf.int64, alg="philox"
    )
    return tf.argsort(keys)


def parallel_calls():
    """Returns how many calls of a costly function run in parallel."""
    # Without autotuning, tf.data would use at most 16.
    return os.cpu_count() or 1


def options():
    """Returns the options for all datasets of batches.

    Each batch is divided among the replicas, even without input files.
    Autotuning is off: its thread can miss that its iterator was deleted, and
    then blocks the program for up to a minute.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    options.deterministic = True
    return options


def _check_batch(examples, batch_size):
    _check_positive(batch_size)
    if batch_size > len(examples):
        raise expected(
            f"a batch of at most the {len(examples)} examples of "
            f"{examples.name}",
            f"batch_size={batch_size}",
            "Use a smaller batch or more examples.",
        )


def _check_positive(batch_size):
    if batch_size < 1:
        raise expected(
            "a positive batch size",
            f"batch_size={batch_size}",
            "Use at least 1 example in a batch.",
        )


def _check_epochs(epochs, initial_epoch):
    if not 0 <= initial_epoch <= epochs:
        raise expected(
            f"initial_epoch in 0..{epochs}, the number of epochs",
            f"initial_epoch={initial_epoch}",
            "Train for more epochs, or start from an earlier one.",
        )
