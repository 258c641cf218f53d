"""Copies of networks in which some layers are replaced."""

import functools

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers.protocols import Twin


def clone(network, input_shape, become=None):
    """Copies a functional network, weights included.

    Args:
        network: The functional keras.Model.
        input_shape: Shape of one input of the copy.
        become: Function from a layer to the `Twin` that replaces it in the
            copy, or to None for a plain copy.

    Returns:
        The new functional keras.Model.
    """
    twins = {}

    def copy(layer):
        twin = become(layer) if become else None
        if twin is None:
            twin = _copied(layer)
        twins[twin.layer] = twin
        return twin.layer

    def call(layer, *args, **kwargs):
        return _call(twins[layer], *args, **kwargs)

    result = keras.models.clone_model(
        network,
        input_tensors=keras.Input(input_shape, name="images"),
        clone_function=copy,
        call_function=call,
    )
    for twin in twins.values():
        if twin.weights:
            set_weights(twin.layer, twin.weights)
    return result


def graft(network, inputs, become):
    """Runs a tensor through a copy of a network, graphs within it unfolded.

    Args:
        network: keras.Function or functional keras.Model.
        inputs: KerasTensor on which to build the copy.
        become: Function from a layer or operation of the network, and the names
            of the models that contain it, to its copy. It is called once for
            each of them, also if the network calls it more often.

    Returns:
        The KerasTensor that the copy returns.
    """
    copies = {}

    def run(network, inputs, within):
        # This also turns a Sequential into the graph of its layers.
        graph = keras.Function(network.inputs, network.outputs)

        def copy(operation):
            if isinstance(operation, keras.Model) and _has_graph(operation):
                inner = (*within, operation.name)
                return lambda inputs, **_: run(operation, inputs, inner)
            if operation not in copies:
                copies[operation] = become(operation, within)
            return functools.partial(_call_plainly, copies[operation])

        outputs = keras_internals.run_graph(graph, inputs, copy)
        single = len(network.outputs) == 1
        return keras.tree.flatten(outputs)[0] if single else outputs

    return run(network, inputs, ())


def _has_graph(model):
    return bool(getattr(model, "inputs", None))


def _call_plainly(layer, *args, **kwargs):
    # Keras passes these on by itself, where a layer accepts them.
    for name in ("training", "mask"):
        kwargs.pop(name, None)
    return layer(*args, **kwargs)


def set_weights(layer, weights):
    """Sets a layer's weights, and what Keras derives from them."""
    if isinstance(weights, dict):
        weights = [weights[weight.name] for weight in layer.weights]
    layer.set_weights(weights)
    for each in (layer, *keras_internals.layers_within(layer)):
        if isinstance(each, keras.layers.Normalization):
            each.finalize_state()  # It computes with constants made from them.


def copy_layer(layer, **changes):
    """Returns a copy of a layer, or operation, without its weights.

    Args:
        layer: The layer.
        **changes: What its config shall have instead, such as a name.
    """
    return type(layer).from_config({**layer.get_config(), **changes})


def keep_weights(layer, copy):
    """Gives a copy the weights that its layer has, if their shapes agree.

    They do not where a copy reads more channels than the layer.
    """
    old, new = (
        [tuple(weight.shape) for weight in getattr(each, "weights", ())]
        for each in (layer, copy)
    )
    if old and old == new:
        set_weights(copy, _weights(layer))


def _copied(layer):
    twin = copy_layer(layer)
    if isinstance(layer, keras.layers.Layer):
        return Twin(twin, _weights(layer))
    return Twin(twin)  # A plain operation.


def _weights(layer):
    """Returns a layer's weights, by name where their order may change."""
    weights = layer.get_weights()
    if getattr(layer, "quantization_mode", None) is not None:
        # A layer that is created quantized lists them in another order.
        names = [weight.name for weight in layer.weights]
        return dict(zip(names, weights, strict=True))
    for inner in keras_internals.layers_within(layer):
        if getattr(inner, "quantization_mode", None) == "float8":
            raise expected(
                "a network whose members are not quantized to float8",
                f"{layer.name} with {inner.name} quantized to float8",
                "Quantize its predictor: model.predictor().quantize('float8').",
            )
    return weights


def _call(twin, *args, **kwargs):
    """Calls a layer of the copy, which may take or return less than before.

    A twin that no longer needs a bank or masks is called without them. The twin
    of a layer with several outputs returns its one output for each of them:
    only the first is used.
    """
    if twin.reads_first_only:
        args = args[:1]
    kwargs.pop("training", None)  # Not every twin accepts it.
    outputs = twin.layer(*args, **kwargs)
    return outputs if twin.outputs == 1 else (outputs,) * twin.outputs
