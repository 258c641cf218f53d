"""Trained networks, read as a trunk up to its features and a head."""

import dataclasses
import functools

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.backbones.kit import Backbone, Kit, no_drop
from mimo_keras.backbones.own import averaged, check_copies, check_pooling
from mimo_keras.errors import closest, expected
from mimo_keras.layers import DenseMultihead
from mimo_keras.methods.cloning import copy_layer, graft, keep_weights
from mimo_keras.methods.trained_copy import copied

_KERNELS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
)
_FINAL = ("linear", "softmax", "sigmoid")
_REMEDY = (
    "Pass the part up to the features, as in keras.Model(network.input, "
    "network.get_layer(NAME).output)."
)


@dataclasses.dataclass(frozen=True)
class Trained:
    """A copy of a trained network, taken apart.

    Attributes:
        trunk: Functional keras.Model from images to the features (N, F) that
            the head reads, without models inside; each layer has a name that no
            layer of a method has.
        head: The last Dense, or a `layers.DenseMultihead` of one head; None if
            the network ends with its features.
        activation: What follows the head's product: "linear", "softmax" or
            "sigmoid".
    """

    trunk: keras.Model
    head: keras.layers.Layer | None
    activation: str = "linear"

    @property
    def input_shape(self):
        """Shape of one example."""
        return tuple(self.trunk.inputs[0].shape[1:])

    def kept_activation(self, outputs):
        """Returns what follows a head of so many outputs; None if it is new."""
        if self.head_weights(outputs) is None:
            return None
        same = self.head.get_weights()[0].shape[-1] == outputs
        return self.activation if same else "softmax"

    def head_weights(self, outputs):
        """Returns kernel and bias of a head of so many outputs, or None.

        A sigmoid of one number is a softmax of two, of which the first is 0.
        """
        if self.head is None:
            return None
        kernel, *bias = self.head.get_weights()
        bias = bias[0] if bias else np.zeros(kernel.shape[-1])
        width = kernel.shape[-1]
        if (self.activation, width, outputs) == ("sigmoid", 1, 2):
            kernel, bias = (
                np.pad(kernel, [(0, 0), (1, 0)]),
                np.pad(bias, (1, 0)),
            )
        return (kernel, bias) if kernel.shape[-1] == outputs else None

    def encoded(self):
        """Returns the trunk as a `Backbone` whose kit makes its first kernel.

        The stem ends with the first convolution or dense layer, a part of the
        kit, which may become one for each member; all else is copied. The top
        starts with the last map, if there is one.

        Raises:
            InputError: No such layer reads all of the input.
        """
        features = self.trunk.output
        places = self.cuts() | {keras_internals.maker(features).name: features}
        for layer in self.trunk.layers:
            if layer.name in places and encodes(layer):
                stem = _piece(self.trunk.inputs, [places[layer.name]], layer)
                behind = [*places.values()]
                behind = behind[behind.index(places[layer.name]) :]
                return Backbone(stem, *_rest(behind), uses_kit=False)
        first = self.trunk.layers[1]
        raise expected(
            "a network that starts with one plain Conv2D, or a Dense of "
            "vectors",
            f"one that starts with {first.name} of type {type(first).__name__}",
            "Use another method, such as mimo or batch_ensemble.",
        )

    def backbone(self, cuts=()):
        """Returns the trunk as a `Backbone`; each use copies its weights.

        Args:
            cuts: Names of the layers after which it is cut into stages; none
                for a backbone whose stem is the whole trunk.

        Raises:
            InputError: It cannot be cut there.
        """
        if not cuts:
            stem = _piece(self.trunk.inputs, self.trunk.outputs)
            return Backbone(stem, (), averaged, uses_kit=False, shares=True)
        places = self.cuts()
        for name in cuts:
            if name not in places:
                raise expected(
                    "a layer through which all of the network passes, among "
                    + ", ".join(places),
                    f"{name!r}",
                    closest(name, places),
                )
        inner = [tensor for name, tensor in places.items() if name in cuts]
        ends = [self.trunk.inputs[0], *inner, self.trunk.outputs[0]]
        stages = tuple(
            _piece([start], [end])
            for start, end in zip(ends[:-1], ends[1:], strict=True)
        )
        return Backbone(
            lambda x, kit: x, stages, averaged, uses_kit=False, shares=True
        )

    def cuts(self):
        """Returns the tensors through which every path runs, by layer name.

        Those after the input and before the features, in order.
        """
        calls = _calls(self.trunk)
        waiting = {id(self.trunk.inputs[0]): _readers(calls, self.trunk.input)}
        found, last = {}, self.trunk.outputs[0]
        for operation, inputs, outputs in calls:
            for tensor in inputs:
                waiting[id(tensor)] -= 1
            for tensor in outputs:
                waiting[id(tensor)] = _readers(calls, tensor)
            open_ends = [tensor for tensor, left in waiting.items() if left > 0]
            single = open_ends == [id(outputs[0])] and outputs[0] is not last
            if single and keras_internals.call_count(operation) == 1:
                found[operation.name] = outputs[0]
        return found

    def resolutions(self):
        """Returns the names of the cuts that end a resolution of maps.

        The last resolution is left out: it ends with the features.
        """
        maps = [
            (name, tensor.shape[1:-1])
            for name, tensor in self.cuts().items()
            if len(tensor.shape) == 4
        ]
        return [
            name
            for (name, size), (_, following) in zip(
                maps[:-1], maps[1:], strict=True
            )
            if size != following
        ]


def read(network):
    """Copies a trained network and takes it apart.

    Args:
        network: Built functional keras.Model or Sequential, with one input and
            one output; it is not changed.

    Returns:
        `Trained`.

    Raises:
        InputError: It is no such network, or a layer cannot be copied.
    """
    _check(network)
    first = network.inputs[0]
    inputs = keras.Input(first.shape[1:], dtype=first.dtype, name="images")
    check_copies(network.layers)
    outputs = copied(network, inputs)
    head, activation = _head(outputs)
    if head is None:
        check_pooling(keras.Function(inputs, outputs).operations, outputs)
        features = averaged(outputs, Kit())
    else:
        features = head.input
    if features is inputs:
        raise expected(
            "a network with layers before its head",
            f"network={network.name}, whose head reads the input",
            "Use create_model: there is nothing else to keep.",
        )
    return Trained(keras.Model(inputs, features), head, activation)


def _check(network):
    graph = isinstance(network, keras.Model) and getattr(
        network, "inputs", None
    )
    if not graph:
        kind = type(network).__name__
        raise expected(
            "a built functional keras.Model or Sequential",
            f"network of type {kind}",
            "Start a Sequential with keras.Input(shape); make a subclassed "
            "model one layer: inputs = keras.Input(shape); "
            "keras.Model(inputs, network(inputs)).",
        )
    ends = {"input": network.inputs, "output": network.outputs}
    for name, tensors in ends.items():
        if len(tensors) != 1:
            raise expected(
                f"a network of one {name}",
                f"network={network.name}, with {len(tensors)}",
                "Make a keras.Model of the part that has one.",
            )


def _head(outputs):
    """Returns the last dense layer and its activation; (None, "linear")."""
    layer, activation = keras_internals.maker(outputs), "linear"
    while isinstance(layer, (keras.layers.Activation, keras.layers.Softmax)):
        name = _activation(layer)
        if name not in _FINAL or "linear" not in (name, activation):
            return None, "linear"
        activation = name if activation == "linear" else activation
        layer = keras_internals.maker(layer.input)
    own = _activation(layer) if type(layer) is keras.layers.Dense else None
    ends = own in _FINAL and "linear" in (own, activation)
    if ends and len(layer.input.shape) == 2:
        return layer, own if activation == "linear" else activation
    if type(layer) is DenseMultihead and layer.heads == 1:
        return layer, activation
    last = getattr(layer, "activation", None)
    if "softmax" in (activation, getattr(last, "__name__", "")):
        raise expected(
            "a softmax after a Dense layer of vectors",
            f"a softmax after layer {layer.name} of type "
            f"{type(layer).__name__}",
            _REMEDY,
        )
    return None, "linear"


def _activation(layer):
    if isinstance(layer, keras.layers.Softmax):
        last = layer.axis in (-1, len(layer.input.shape) - 1)
        return "softmax" if last else None
    return getattr(layer.activation, "__name__", None)


def encodes(layer):
    """Whether a layer of the kit, one for each member, can replace it."""
    if type(layer) is keras.layers.Dense:
        return len(layer.input.shape) == 2
    return (
        type(layer) is keras.layers.Conv2D
        and layer.data_format == "channels_last"
        and layer.groups == 1
        and {*layer.dilation_rate} == {1}
    )


def _piece(inputs, outputs, encoder=None):
    """Returns a part of a `Backbone` that copies a part of a network."""
    return functools.partial(_grafted, keras.Function(inputs, outputs), encoder)


def _rest(places):
    """Returns stages and top of a `Backbone` behind its stem.

    Args:
        places: Tensors through which all of the network runs, from the end of
            the stem to the features.
    """
    first, *_, features = places if len(places) > 1 else places * 2
    maps = [tensor for tensor in places if len(tensor.shape) == 4]
    last = maps[-1] if maps else features
    stages = () if last is first else (_piece([first], [last]),)
    if not maps:
        return stages, averaged
    piece = _piece([last], [features])
    return stages, lambda x, kit: piece(kit.last_map(x), Kit())


def _from_kit(layer, kit):
    """Returns the kit's version of a layer, as a function."""
    options = {"use_bias": layer.use_bias, "name": layer.name}
    if type(layer) is keras.layers.Dense:
        part = kit.dense(layer.units, **options)
    else:
        options |= {"strides": layer.strides, "padding": layer.padding}
        part = kit.conv(layer.filters, layer.kernel_size, **options)
    activation = keras.layers.Activation(layer.activation)
    return lambda x: activation(part(x))


def _grafted(function, encoder, x, kit):
    pairs = []

    def become(layer, within):
        if not isinstance(layer, keras.layers.Layer):
            return copy_layer(layer)
        if layer is encoder:
            return _from_kit(layer, kit)
        if kit.drop is not no_drop and type(layer) is keras.layers.Dropout:
            return kit.drop(name=layer.name)
        copy = copy_layer(layer)
        pairs.append((layer, copy))
        if kit.before is no_drop or not isinstance(layer, _KERNELS):
            return copy
        before = kit.before(name=f"{layer.name}_drop")
        return lambda *inputs: copy(*map(before, inputs))

    features = graft(function, x, become)
    for pair in pairs:
        keep_weights(*pair)
    return features


def _calls(network):
    """Returns a network's calls, in order: (operation, inputs, outputs)."""
    inputs, outputs, found = {}, {}, [network.inputs[0]]
    operations = {}
    for tensor in found:
        for operation, made in keras_internals.calls_on(tensor):
            key = id(made[0])
            if key not in inputs:
                found.extend(made)
            inputs.setdefault(key, []).append(tensor)
            operations[key], outputs[key] = operation, made
    # Those that lead to the features: the head may read on.
    wanted, needed = set(), [network.outputs[0]]
    for tensor in needed:
        for key, made in outputs.items():
            if key not in wanted and any(tensor is x for x in made):
                wanted.add(key)
                needed.extend(inputs[key])
    ready, ordered, left = {id(network.inputs[0])}, [], list(wanted)
    while left:
        now = [k for k in left if all(id(x) in ready for x in inputs[k])]
        for key in now:
            ordered.append((operations[key], inputs[key], outputs[key]))
            ready.update(map(id, outputs[key]))
        left = [key for key in left if key not in now]
    return ordered


def _readers(calls, tensor):
    return sum(any(x is tensor for x in inputs) for _, inputs, _ in calls)
