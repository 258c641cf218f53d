"""Several passes of a stochastic network over the same images."""

import keras

from mimo_keras.layers import FoldMembers, UnfoldMembers


def sampled(network, images, samples):
    """Runs a network S times on each image in inference mode.

    Args:
        network: Functional keras.Model to (N, E, K), with stochastic layers.
        images: Its input, (B, …): a tensor or a KerasTensor.
        samples: S.

    Returns:
        (B, S·E, K), the samples one after another.
    """
    if samples == 1:
        return network(images, training=False)
    policy = {"dtype": network.dtype_policy}
    rows = FoldMembers(samples, **policy)(images)
    outputs = network(rows, training=False)
    by_sample = UnfoldMembers(samples, **policy)(outputs)
    shape = (samples * outputs.shape[1], outputs.shape[2])
    return keras.layers.Reshape(shape, **policy)(by_sample)
