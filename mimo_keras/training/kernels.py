"""Fused kernels of the backend that keras.ops does not offer."""

import keras

from mimo_keras import keras_internals
from mimo_keras.layers import FusedBatchNormalization


def give_kernels(network):
    """Makes a network's layers use the backend's fused kernels.

    Args:
        network: keras.Model; its layers are changed.
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in keras_internals.layers_within(network):
        if isinstance(layer, FusedBatchNormalization):
            layer.fused = fused_batch_norm


def fused_batch_norm(x, gamma, beta, epsilon, moments):
    """Normalizes with TensorFlow's kernel; see `FusedBatchNormalization`."""
    import tensorflow as tf

    mean, variance = moments or (tf.zeros(0), tf.zeros(0))
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=moments is None,
    )
    if moments is None:
        # The kernel divides by count - 1, Keras's moving average by count.
        count = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
        variance *= tf.maximum(count - 1, 1) / count
    return y, mean, variance
