"""Batches that JAX's devices cannot divide evenly among them.

Under `keras.distribution` Keras gives each device an equal part of every batch,
and fails in the middle of an epoch at one without equal parts, such as a last
one. TensorFlow's strategies are treated in `empty_replicas`.
"""

import contextlib

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected


def allowed():
    """Gives each device all rows of a batch without equal parts.

    A step's draws and means are those of the batch, not of a device, so the
    results are the same as on one device.

    Returns:
        A context manager, for calls of Keras's trainer.
    """
    distributed = keras.distribution.distribution() is not None
    if keras.backend.backend() != "jax" or not distributed:
        return contextlib.nullcontext()
    return keras_internals.batches_placed(_placed)


def _placed(rows, sharding, axis):
    """Returns the sharding of a batch, whole on each device if need be."""
    parts = sharding.mesh.shape[axis]
    # Each of several processes has rows of its own.
    processes = len({one.process_index for one in sharding.mesh.devices.flat})
    if not processes * rows % parts:
        return sharding
    if processes > 1:
        raise expected(
            "batches that divide evenly among the devices",
            f"{rows} rows in each of {processes} processes, {parts} devices",
            "Choose another batch size, and drop the last batch: "
            "dataset.batch(8, drop_remainder=True).",
        )
    whole = type(sharding.spec)()  # Along no axis of the mesh.
    return type(sharding)(sharding.mesh, whole)
