"""The kernels that read each member's input in a multi-input network."""

import keras
import numpy as np

from mimo_keras.errors import expected
from mimo_keras.layers import (
    FoldMembers,
    MemberConv2D,
    MemberDense,
    MultiplexConvolutions,
    MultiplexMembers,
)
from mimo_keras.methods.folding import concatenated, linear_layers

_BY_MEMBER = (MemberConv2D, MemberDense, MultiplexConvolutions)
_MULTIPLEXERS = (MultiplexConvolutions, MultiplexMembers)


def has_encoders(network):
    """Whether `encoder_kernels` finds a kernel for each member.

    Args:
        network: Functional keras.Model from (N, M, …).

    Returns:
        A bool.

    Example:

    ```python
    mimo_keras.methods.has_encoders(model.network)           # True
    ```
    """
    return encoder_layer(network) is not None


def encoder_kernels(network):
    """Returns each member's first kernel.

    Args:
        network: Functional keras.Model from (N, M, …): MIMO's or DataMUX's,
            whose first layer reads all members' channels, or one with an
            encoder per member.

    Returns:
        (M, …, F) NumPy array.

    Raises:
        InputError: The members have no such kernels.

    Example:

    ```python
    kernels = mimo_keras.methods.encoder_kernels(model.network)
    len(kernels)                                             # 2
    ```
    """
    encoders = encoder_layer(network)
    if encoders is None:
        raise expected(
            "a network with an encoder per member, such as mimo or mixmo",
            f"network={network.name}",
            "Choose a run of such a method.",
        )
    kernel = keras.ops.convert_to_numpy(encoders.kernel)
    if isinstance(encoders, _BY_MEMBER):
        return kernel
    members, *_, channels = network.input_shape[1:]
    # Input channels are member-major at each position, as in folding.
    by_member = kernel.reshape(-1, members, channels, kernel.shape[-1])
    return np.moveaxis(by_member, 1, 0)


def encoder_layer(network):
    """Returns the layer that holds all members' first kernels, or None.

    Args:
        network: Functional keras.Model from (N, M, …).

    Returns:
        A keras.layers.Layer, or None.

    Example:

    ```python
    layer = mimo_keras.methods.encoder_layer(model.network)
    layer is None                                            # False
    ```
    """
    for layer in network.layers:
        if isinstance(layer, FoldMembers) and layer.by_member:
            return next(
                (x for x in network.layers if isinstance(x, _BY_MEMBER)), None
            )
        if isinstance(layer, _MULTIPLEXERS) and layer.reduce == "mean":
            return layer if isinstance(layer, _BY_MEMBER) else None
    stacked = _stacked(network)
    if stacked is None:
        return None
    linear = linear_layers(network, {stacked: network.input_shape[1]})
    return next(iter(linear)) if linear and len(linear) == 1 else None


def _stacked(network):
    """Returns the layer that puts the members' channels side by side."""
    for layer in network.layers:
        if isinstance(layer, _MULTIPLEXERS):
            return layer
    return concatenated(network)
