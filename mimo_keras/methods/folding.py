"""Folding: runs a multi-input network on one image, at one image's cost.

At test time all members see the same image. After their concatenation a
convolution or dense layer computes Σ_m W_m * x = (Σ_m W_m) * x, so a kernel
over the single image's channels gives exactly the same result. The same holds
after layers that treat every channel alike, such as zero padding. Layers that
read the members' inputs one by one define their replacement for a single image
themselves: they offer `for_one_image`.
"""

import math
import typing

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import (
    ConcatenateMembers,
    RepeatMembers,
    SeriesAsMap,
    SplitInputs,
)
from mimo_keras.layers.protocols import SeesOneImage, Twin
from mimo_keras.methods.cloning import clone
from mimo_keras.methods.one_member import members_apart
from mimo_keras.methods.samples import sampled

_LINEAR = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
)
# Layers that treat every channel alike and independently.
_CHANNELWISE = (
    keras.layers.AveragePooling2D,
    keras.layers.Cropping2D,
    keras.layers.Dropout,
    keras.layers.Identity,
    keras.layers.MaxPooling2D,
    keras.layers.ReLU,
    SeriesAsMap,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
)


def single_image(network, multi_input, folding=True, samples=1, apart=None):
    """Copies a network so that it takes one image, (B, …, C) to (B, E, K).

    The copy has its own weights, with the current values of `network`.

    Args:
        network: Functional keras.Model.
        multi_input: Whether it takes (N, M, …, C), one image per member.
        folding: Whether to fold it if possible.
        samples: S, the number of passes over each image; the copy then returns
            (B, S·E, K).
        apart: See `members_apart`.

    Returns:
        The copy, and whether it is folded.

    Example:

    ```python
    folded, is_folded = mimo_keras.methods.single_image(model.network, True)
    folded.output_shape, is_folded  # ((None, 2, 10), True)
    ```
    """
    copy, folded = _copy(network, multi_input, folding, apart)
    if samples > 1:
        image = keras.Input(copy.input_shape[1:], name="images")
        copy = keras.Model(image, sampled(copy, image, samples))
    return copy, folded


def _copy(network, multi_input, folding, apart):
    if not multi_input or apart:
        side_by_side = members_apart(network, apart)
        return side_by_side or _clone(network, network.input_shape[1:]), False
    members, *image_shape = network.input_shape[1:]
    if folding and _is_read_by_member(network):
        return _clone(network, image_shape, {}), True
    first = linear_layers(network, dict.fromkeys(_joints(network), members))
    if first is None or not folding:
        image = keras.Input(image_shape, name="images")
        repeated = RepeatMembers(members, name="repeat_members")(image)
        copy = _clone(network, (members, *image_shape))
        return keras.Model(image, copy(repeated)), False
    replaced = {
        layer: _folded_weights(layer, parts) for layer, parts in first.items()
    }
    return _clone(network, image_shape, replaced), True


def _is_read_by_member(network):
    """Whether every layer that reads the input can handle one image."""
    return all(
        isinstance(reader, SeesOneImage)
        and not isinstance(reader, ConcatenateMembers)
        for reader in _readers(network.operations[0], set(network.operations))
    )


def _readers(operation, inside):
    """Returns who reads an operation; of inputs that are split, each one."""
    found = []
    for reader in keras_internals.readers(operation):
        if reader in inside:
            is_split = isinstance(reader, SplitInputs)
            found += _readers(reader, inside) if is_split else [reader]
    return found


def _clone(network, input_shape, replaced=None):
    """Copies a functional network, weights included.

    Args:
        network: The functional keras.Model.
        input_shape: Shape of one input of the copy.
        replaced: Dictionary from layer to the weights (NumPy arrays) that
            its copy gets instead of its own, when the copy takes one image
            for all members; None when it takes what `network` takes.

    Returns:
        The new functional keras.Model.
    """

    def become(layer):
        if replaced is not None and isinstance(layer, SeesOneImage):
            return layer.for_one_image()
        if layer in (replaced or {}):
            twin = type(layer).from_config(_float_config(layer))
            return Twin(twin, replaced[layer])
        return None

    return clone(network, input_shape, become)


def concatenated(network):
    """Returns the layer that concatenates the members' inputs, or None."""
    layers = _joints(network)
    return layers[0] if len(layers) == 1 else None


def _joints(network):
    return [x for x in network.layers if isinstance(x, ConcatenateMembers)]


class Part(typing.NamedTuple):
    """Channels that stand side by side, member-major at each position.

    Attributes:
        positions: How often they are repeated, as `Flatten` does.
        members: M; 1 for channels that do not belong to members.
        channels: C of one member.
    """

    positions: int
    members: int
    channels: int


def linear_layers(network, sources):
    """Finds the first linear layers behind the members' channels.

    Args:
        network: Functional keras.Model.
        sources: Dictionary from the layers that put the members' channels side
            by side to M.

    Returns:
        Dictionary from these layers to the `Part`s of which their input
        channels consist; None if there are none, or others follow.
    """
    linear, parts, inside = {}, {}, set(network.operations)
    for operation in network.operations:
        if members := sources.get(operation):
            channels = operation.output.shape[-1] // members
            parts[operation] = [Part(1, members, channels)]
        else:
            seen = _inputs(operation)
            if not any(keras_internals.maker(x) in parts for x in seen):
                continue
            behind = _behind(operation, seen, parts)
            if behind is None:
                return None
            (linear if _is_linear(operation) else parts)[operation] = behind
            if operation in linear:
                continue
        for reader in keras_internals.readers(operation):
            # Only the first call of a layer is looked at.
            if reader in inside and keras_internals.call_count(reader) != 1:
                return None
    return linear or None


def _inputs(operation):
    output = keras.tree.flatten(operation.output)[0]
    return keras_internals.made_from(output)


def _behind(operation, inputs, parts):
    """Returns the parts behind an operation; of its input, if it is linear."""
    found = [
        parts.get(keras_internals.maker(x), [Part(1, 1, x.shape[-1])])
        for x in inputs
    ]
    if _is_linear(operation) or _is_one_of(_CHANNELWISE, operation):
        return found[0]
    if _is_one_of((keras.layers.Flatten,), operation):
        positions = math.prod(inputs[0].shape[1:-1])
        if len(found[0]) > 1:
            return found[0] * positions
        [(before, *rest)] = found[0]
        return [Part(before * positions, *rest)]
    if _is_one_of((keras.layers.Concatenate,), operation):
        last = operation.axis in (-1, len(inputs[0].shape) - 1)
        return sum(found, []) if last else None
    return None


def _is_linear(operation):
    return _is_one_of(_LINEAR, operation) and _has_one_group(operation)


def _is_one_of(kinds, layer):
    """Whether a layer is of these kinds and behaves as expected.

    Excluded are subclasses, which may treat their inputs or kernel differently;
    layers with channels on another axis; and layers that are called again
    elsewhere.
    """
    return (
        type(layer) in kinds
        and getattr(layer, "data_format", None) != "channels_first"
        and keras_internals.call_count(layer) == 1
    )


def _has_one_group(layer):
    return getattr(layer, "groups", 1) == 1


def _folded_weights(layer, parts):
    """Returns a layer's weights with its kernel summed over the members.

    Input channels are member-major at each position.

    Args:
        layer: A linear layer.
        parts: The `Part`s of its input channels.
    """
    kernel, *rest = _float_weights(layer)
    *space, inputs, outputs = kernel.shape
    by_position = ops.reshape(kernel, (-1, inputs, outputs))
    summed, start = [], 0
    for positions, members, channels in parts:
        size = positions * members * channels
        part = by_position[:, start : start + size]
        start += size
        part = ops.reshape(part, (-1, positions, members, channels, outputs))
        part = ops.sum(part, axis=2)
        summed.append(ops.reshape(part, (-1, positions * channels, outputs)))
    kernel = ops.reshape(ops.concatenate(summed, axis=1), (*space, -1, outputs))
    return [ops.convert_to_numpy(kernel), *rest]


def _float_weights(layer):
    """Returns a linear layer's kernel and bias, whatever it is stored as."""
    mode = getattr(layer, "quantization_mode", None)
    if mode is None and not _has_lora(layer):
        return layer.get_weights()
    kernel = ops.convert_to_numpy(layer.kernel)
    if mode == "int8":
        kernel = kernel / ops.convert_to_numpy(layer.kernel_scale)
    elif mode not in (None, "float8"):
        raise expected(
            "a model that is not quantized, or to int8 or float8, to fold it",
            f"{layer.name} quantized to {mode}",
            f"Quantize its predictor: model.predictor().quantize({mode!r}).",
        )
    bias = [] if layer.bias is None else [ops.convert_to_numpy(layer.bias)]
    return [kernel, *bias]


def _float_config(layer):
    """Returns a layer's config, without its quantization and LoRA."""
    config = layer.get_config()
    if _has_lora(layer):
        config = {**config, "lora_rank": None, "lora_alpha": None}
    if getattr(layer, "quantization_mode", None) is None:
        return config
    # As in "int8_from_float32".
    dtype = layer.dtype_policy.name.split("_from_")[-1]
    return {**config, "dtype": dtype, "quantization_config": None}


def _has_lora(layer):
    """Whether Keras's `enable_lora` added a product to the layer's kernel."""
    return getattr(layer, "lora_enabled", False)
