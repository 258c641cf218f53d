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

    Example:

    ```python
    x = keras.Input((4,))
    heads = keras.layers.Reshape((1, 3))(keras.layers.Dense(3)(x))
    stochastic = keras.Model(x, heads)
    found = mimo_keras.methods.sampled(stochastic, np.zeros((5, 4)), 2).shape
    found  # (5, 2, 3)
    ```
    """
    if samples == 1:
        return network(images, training=False)
    policy = {"dtype": network.dtype_policy}
    rows = FoldMembers(samples, **policy)(images)
    outputs = network(rows, training=False)
    by_sample = UnfoldMembers(samples, **policy)(outputs)
    shape = (samples * outputs.shape[1], outputs.shape[2])
    return keras.layers.Reshape(shape, **policy)(by_sample)
