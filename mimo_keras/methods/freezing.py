"""Freezes what members share, so that only what is their own trains."""

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import MemberConv2D, MemberDense, TemplateBank
from mimo_keras.methods.warm_start import widened

_OWN = (MemberConv2D, MemberDense)


def freeze_trunk(network, trained):
    """Freezes the kernels of a method's network that all members share.

    Fast weights, mixture coefficients, encoders, heads, exits, branches and
    layers of one number for each channel, such as norms, go on training.

    Args:
        network: The method's functional keras.Model, after `warm_start`.
        trained: The `trained.Trained` that it started from.

    Returns:
        None.

    Raises:
        InputError: The members share nothing.

    Example:

    ```python
    ensemble = mimo_keras.from_network(
        network, "batch_ensemble", ensemble_size=2, num_classes=10)
    mimo_keras.methods.freeze_trunk(
        ensemble.network, mimo_keras.methods.trained.read(network))
    ```
    """
    sources = {layer.name for layer in trained.trunk.layers}
    own = {id(layer) for layer in widened(network, trained)}
    shared = [
        layer
        for layer in network.layers
        if layer.weights and not (id(layer) in own or _is_own(layer, sources))
    ]
    if not shared:
        raise expected(
            'a method whose members share kernels for freeze="trunk"',
            "one whose members share none",
            "Leave it out: all weights are the members' own.",
        )
    for layer in shared:
        if hasattr(layer, "ensemble_bias"):
            layer.kernel.trainable = False
        else:
            layer.trainable = False


def _is_own(layer, sources):
    """Whether no weight of a layer is a kernel that members share."""
    if isinstance(layer, TemplateBank):
        return False
    if layer.name not in sources:
        return True  # A head, an exit or a branch.
    if hasattr(layer, "coefficients") or isinstance(layer, _OWN):
        return True
    return all(len(weight.shape) < 2 for weight in layer.weights)


def frozen_variables(network):
    """Returns the indices of single frozen variables of layers that train.

    Args:
        network: Functional keras.Model.

    Returns:
        A list of indices, for `freeze_variables`.

    Example:

    ```python
    mimo_keras.methods.frozen_variables(model.network)       # []
    ```
    """
    return [
        index
        for index, (layer, variable) in enumerate(_single_variables(network))
        if layer.trainable and not variable.trainable
    ]


def freeze_variables(network, indices):
    """Freezes the variables that `frozen_variables` listed.

    Args:
        network: Functional keras.Model.
        indices: The list that `frozen_variables` returned.

    Returns:
        None.

    Example:

    ```python
    indices = mimo_keras.methods.frozen_variables(model.network)
    mimo_keras.methods.freeze_variables(model.network, indices)
    ```
    """
    found = _single_variables(network)
    for index in indices:
        found[index][1].trainable = False


def _single_variables(network):
    return [
        (layer, variable)
        for layer in keras_internals.layers_within(network)
        for variable in keras_internals.own_trainable_variables(layer)
    ]
