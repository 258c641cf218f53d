"""Iterators over batches whose end never blocks the program.

The thread with which tf.data tunes an iterator can miss that the iterator was
deleted (TensorFlow 2.21). The program then stands still until that thread wakes
up: for as long as the iterator lived, up to a minute. Slices of arrays and what
Python yields leave nothing to tune, so their iterators do without.
"""

import functools

from mimo_keras import keras_internals


def reads(iterator, strategy):
    """Prepares what `fit` or `evaluate` is about to read.

    A tf.data.Dataset keeps its own options.

    Args:
        iterator: Keras's epoch iterator, before its first epoch.
        strategy: The model's tf.distribute.Strategy.
    """
    untune_devices()
    if not getattr(iterator, "is_untuned", False):
        iterator.is_untuned = True
        keras_internals.read_with(iterator, strategy, _options())


def source(images, batch_size):
    """Returns an array of images as a source for `predict`."""
    untune_devices()
    return keras_internals.array_source(images, batch_size, _options())


def _options():
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


@functools.cache
def untune_devices():
    """Makes tf.distribute's iterators of each device untuned, too.

    They hand on what an iterator of the host has read. Their options have no
    public name, so this wraps TensorFlow's private function that makes them.
    """
    from tensorflow.python.data.ops import multi_device_iterator_ops as made

    create = getattr(made, "_create_device_dataset", None)
    if create is not None:
        made._create_device_dataset = lambda *args, **kwargs: create(
            *args, **kwargs
        ).with_options(_options())
