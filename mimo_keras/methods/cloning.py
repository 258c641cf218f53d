"""Copies of networks in which some layers become others."""

import keras


def clone(network, input_shape, become=None):
    """Copies a functional network, weights included.

    Args:
        network: The functional keras.Model.
        input_shape: Shape of one input of the copy.
        become: Function from a layer to what stands for it in the copy, a
            layer and its weights (NumPy arrays), or to None for a plain copy.

    Returns:
        The new functional keras.Model.
    """
    weights = {}

    def copy(layer):
        found = become(layer) if become else None
        if found is None:
            found = _copied(layer)
        twin, weights[twin] = found
        return twin

    result = keras.models.clone_model(
        network,
        input_tensors=keras.Input(input_shape, name="images"),
        clone_function=copy,
        call_function=_call,
    )
    for twin, values in weights.items():
        if values:
            twin.set_weights(values)
    return result


def _copied(layer):
    twin = type(layer).from_config(layer.get_config())
    if isinstance(layer, keras.layers.Layer):
        return twin, layer.get_weights()
    return twin, []  # A plain operation.


def _call(twin, *args, **kwargs):
    """Calls a layer of the copy, which may need or return less than before.

    One that needs no bank or masks any more is called without. What stands
    for a layer of several outputs gives its own for each: only the first of
    them is read.
    """
    if getattr(twin, "takes_first_only", False):
        args = args[:1]
    kwargs.pop("training", None)  # Not every layer that stands for it knows.
    outputs = twin(*args, **kwargs)
    several = getattr(twin, "stands_for_outputs", 1)
    return outputs if several == 1 else (outputs,) * several
