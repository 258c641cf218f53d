"""FLOPs as the papers count them, for comparison with their tables.

`evaluation.flops` is this library's measure: 2 for each multiply-add of a
convolution or dense layer. Each paper adds other terms.
"""

import math

import keras

from mimo_keras.evaluation.costs import calls_of, multiply_adds
from mimo_keras.layers import MonteCarloDropout, MultiplexConvolutions

_POOLINGS = (
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.MaxPooling2D,
)
# One operation for each value of the output.
_ELEMENTWISE = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.Dropout,
    keras.layers.ReLU,
    MonteCarloDropout,
)


def mimo_flops(network):
    """Returns FLOPs by the rule that reproduces the MIMO paper's figures.

    2 for each multiply-add, and 2 for each kernel weight: the counted graph
    included the L2 term.

    Args:
        network: As for `multiply_adds`.

    Returns:
        The number of floating-point operations.

    Example:

    ```python
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    mimo_keras.evaluation.mimo_flops(small)                  # 48
    ```

    Reference:
        Havasi et al., ICLR 2021, section 4, footnote 2.
    """
    kernels = {
        id(w): math.prod(w.shape)
        for w in network.trainable_weights
        if len(w.shape) > 1
    }
    return 2 * multiply_adds(network) + 2 * sum(kernels.values())


def mimmo_flops(network):
    """Returns FLOPs by the rule of the MIMMO paper's tables.

    1 for each multiply-add of a convolution or dense layer, each added bias,
    each activation value, each pooled value, each residual addition and each
    value that passes through dropout or that DataMUX combines; 2 for each value
    of a batch norm.

    Args:
        network: As for `multiply_adds`.

    Returns:
        The number of floating-point operations.

    Example:

    ```python
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    mimo_keras.evaluation.mimmo_flops(small)                 # 15
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, supplement, tables 1
        and 2, which this reproduces to the digit.
    """
    return multiply_adds(network) + sum(
        _extra(operation, inputs, outputs)
        for operation, inputs, outputs in calls_of(network)
    )


def _extra(operation, inputs, outputs):
    if isinstance(operation, keras.layers.BatchNormalization):
        return 2 * math.prod(outputs)
    if isinstance(operation, _ELEMENTWISE):
        return math.prod(outputs)
    if isinstance(operation, _POOLINGS):
        return math.prod(inputs)
    if isinstance(operation, MultiplexConvolutions):
        # A bias, a ReLU and the reduction over members, for each value.
        return 3 * math.prod(inputs)
    if getattr(operation, "bias", None) is not None:
        return math.prod(outputs)
    return 0
