"""Folding: runs a multi-input network on one image, at one image's cost.

At test time all members see the same image. After their concatenation a
convolution or dense layer computes Σ_m W_m * x = (Σ_m W_m) * x, so a kernel
over the single image's channels gives exactly the same result. The same holds
after layers that treat every channel alike, such as zero padding. Layers that
read the members' inputs one by one define their replacement for a single image
themselves: they offer `for_one_image`.
"""

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import ConcatenateMembers, RepeatMembers, SeriesAsMap
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
    keras.layers.Flatten,
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
    first = linear_layers(network, concatenated(network))
    if first is None or not folding:
        image = keras.Input(image_shape, name="images")
        repeated = RepeatMembers(members, name="repeat_members")(image)
        copy = _clone(network, (members, *image_shape))
        return keras.Model(image, copy(repeated)), False
    replaced = {
        layer: _folded_weights(layer, members, image_shape[-1])
        for layer in first
    }
    return _clone(network, image_shape, replaced), True


def _is_read_by_member(network):
    """Whether every layer that reads the input can handle one image."""
    inputs = network.operations[0]
    readers = keras_internals.readers(inputs)
    return all(
        isinstance(reader, SeesOneImage)
        and not isinstance(reader, ConcatenateMembers)
        for reader in readers
        if reader in network.operations
    )


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
    concatenations = [
        layer
        for layer in network.layers
        if isinstance(layer, ConcatenateMembers)
    ]
    return concatenations[0] if len(concatenations) == 1 else None


def linear_layers(network, layer):
    """Returns the first linear layers after `layer`; None if others follow."""
    if layer is None:
        return None
    inside = set(network.operations)
    linear = []
    for consumer in keras_internals.readers(layer):
        if consumer not in inside:
            continue
        if _is_one_of(_LINEAR, consumer) and _has_one_group(consumer):
            linear.append(consumer)
        elif _is_one_of(_CHANNELWISE, consumer):
            behind = linear_layers(network, consumer)
            if behind is None:
                return None
            linear.extend(behind)
        else:
            return None
    return linear or None


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


def _folded_weights(layer, members, channels):
    """Returns a layer's weights with its kernel summed over the members.

    Input channels are member-major at each position; flattening keeps that
    order within each pixel, so the same split applies.
    """
    kernel, *rest = _float_weights(layer)
    by_member = ops.reshape(kernel, (-1, members, channels, kernel.shape[-1]))
    summed = ops.sum(by_member, axis=1)
    *space, inputs, outputs = kernel.shape
    shape = (*space, inputs // members, outputs)
    return [ops.convert_to_numpy(ops.reshape(summed, shape)), *rest]


def _float_weights(layer):
    """Returns a linear layer's kernel and bias, also if it is quantized."""
    mode = getattr(layer, "quantization_mode", None)
    if mode is None:
        return layer.get_weights()
    kernel = ops.convert_to_numpy(layer.kernel)
    if mode == "int8":
        kernel = kernel / ops.convert_to_numpy(layer.kernel_scale)
    elif mode != "float8":
        raise expected(
            "a model that is not quantized, or to int8 or float8, to fold it",
            f"{layer.name} quantized to {mode}",
            f"Quantize its predictor: model.predictor().quantize({mode!r}).",
        )
    bias = [] if layer.bias is None else [ops.convert_to_numpy(layer.bias)]
    return [kernel, *bias]


def _float_config(layer):
    """Returns a layer's config, without its quantization."""
    config = layer.get_config()
    if getattr(layer, "quantization_mode", None) is None:
        return config
    # As in "int8_from_float32".
    dtype = layer.dtype_policy.name.split("_from_")[-1]
    return {**config, "dtype": dtype, "quantization_config": None}
