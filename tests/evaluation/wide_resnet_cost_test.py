"""The cost of WRN-28-10, built of plain Keras layers, is the paper's."""

import keras
import numpy as np
import pytest
from keras import layers

from mimo_keras.evaluation import costs


def wide_resnet_28_10(members, classes=10):
    """The network of METHODS as plain Keras: M images in, M heads out."""

    def conv(x, filters, size, stride=1):
        return layers.Conv2D(
            filters,
            size,
            stride,
            "same",
            use_bias=False,
            kernel_initializer="zeros",
        )(x)

    def active(x):
        return layers.ReLU()(layers.BatchNormalization()(x))

    inputs = keras.Input((members, 32, 32, 3))
    x = layers.Permute((2, 3, 1, 4))(inputs)
    x = conv(layers.Reshape((32, 32, 3 * members))(x), 16, 3)
    for filters, first_stride in ((160, 1), (320, 2), (640, 2)):
        for block in range(4):
            stride = first_stride if block == 0 else 1
            y = conv(active(x), filters, 3, stride)
            y = conv(active(y), filters, 3)
            if block == 0:
                x = conv(x, filters, 1, stride)
            x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(active(x))
    x = layers.Dense(members * classes)(x)
    return keras.Model(inputs, layers.Reshape((members, classes))(x))


@pytest.mark.parametrize(
    ("members", "adds", "parameters", "paper"),
    [
        (1, 5_243_328_768, 36_479_194, 10_559),
        (3, 5_244_226_304, 36_492_878, 10_561),
    ],
)
def test_wide_resnet_28_10_costs_what_the_paper_says(
    members, adds, parameters, paper
):
    network = wide_resnet_28_10(members)
    assert costs.multiply_adds(network) == adds
    assert costs.trainable_parameters(network) == parameters
    # The paper's graph holds the L2 term: 2 more for each weight of a kernel.
    kernels = [w for w in network.trainable_weights if len(w.shape) > 1]
    decayed = sum(int(np.prod(kernel.shape)) for kernel in kernels)
    total = costs.flops(network) + 2 * decayed
    assert total // 10**6 == paper  # in millions, cut off
