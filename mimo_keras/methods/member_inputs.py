"""Networks of the user's own that read the inputs of all members."""

import random

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.backbones import Kit
from mimo_keras.backbones.own import Misfit, channels_first, unfolded
from mimo_keras.errors import InputError, expected
from mimo_keras.layers import (
    ConcatenateMembers,
    MemberEmbedding,
    SplitInputs,
)
from mimo_keras.methods.cloning import (
    copy_layer,
    graft,
    keep_weights,
    set_weights,
)

_PREPROCESSING = (keras.layers.Normalization, keras.layers.Rescaling)
# For axes of unknown size, where a layer is tried out.
_SIDE = 32


def concatenated_features(backbone, inputs, build=None):
    """Builds a backbone on the members' inputs, concatenated on channels.

    Layers of its own that bring an image to another scale may have a constant
    for each channel of one image. Where a network starts with such layers, they
    are applied to each member's input, and what follows is built on the
    concatenation. Where it starts with an Embedding of token ids, each member
    has its own, and what follows reads their sum: see `MemberEmbedding`.
    Several named inputs are treated so one by one.

    Args:
        backbone: `Backbone`.
        inputs: KerasTensor (N, M, …, C).
        build: Function that builds the backbone on a KerasTensor and returns
            features, one KerasTensor or several; None for the backbone's own.

    Returns:
        The features, KerasTensor (N, F), or what `build` returns.

    Raises:
        InputError: It cannot be built on M·C channels.
    """
    if backbone.named and build is None:
        return _by_name(backbone, inputs)
    build = build or (lambda x: backbone.features(x, Kit())[0])
    x = ConcatenateMembers(name="concatenate_members")(inputs)
    if backbone.uses_kit:
        return build(x)
    try:
        features = build(x)
        _check_layers(x, features)
    except InputError:
        raise
    except Exception as error:  # A user's own function may raise anything.
        failed, features = error, None
    # A network on one example comes second: it builds a user's own layers.
    if features is None or _embeds(x):
        embedded = _embedded(backbone, inputs)
        if embedded is not None:
            return embedded
    if features is not None and not _leading(x, keras.Model(inputs, features)):
        return features
    lifted = _lifted(build, inputs)
    if lifted is not None:
        return lifted
    if features is not None:
        return features
    raise _unbuildable(failed, inputs, backbone) from failed


def _check_layers(x, features):
    """Raises InputError if a layer takes the channels of one image only."""
    operations = keras.Function(x, features).operations
    layer = channels_first(operations)
    if layer is not None:
        raise expected(
            "channels_last convolutions, to read the channels of all members",
            f"layer {layer.name} with data_format='channels_first'",
            "Permute the axes first, or use another method, such as "
            "deep_ensemble.",
        )
    for layer in unfolded(operations):
        # Keras's augmentation layers, which may fail in training only.
        if hasattr(layer, "transform_images") and hasattr(layer, "input"):
            _try_out(layer, x.shape[-1])


def _try_out(layer, channels):
    """Raises InputError if a layer cannot augment what it is built on."""
    shape = [size or _SIDE for size in layer.input.shape[1:]]
    state = random.getstate()  # A copy draws its seed.
    try:
        copy_layer(layer)(np.zeros((1, *shape), "float32"), training=True)
    except Exception as error:  # TensorFlow's and JAX's differ.
        raise expected(
            f"layers that take {channels} channels, those of all members, in "
            "training",
            f"layer {layer.name} of type {type(layer).__name__}, which takes "
            "those of one image",
            "Augment the images before fit, or use another method, such as "
            "batch_ensemble.",
        ) from error
    finally:
        random.setstate(state)


def _unbuildable(error, inputs, backbone):
    members, *_, channels = inputs.shape[1:]
    reason = " ".join(str(error).split())[:200]
    if not isinstance(error, Misfit):
        reason = f"{type(error).__name__} ({reason})"
    count = "" if backbone.named else f"{members * channels} "
    return expected(
        f"a backbone that can be built on {count}channels, those of "
        f"{members} members",
        reason,
        "Let the network start with a convolution or dense layer, or use "
        "another method, such as batch_ensemble."
        if backbone.shares or backbone.named
        else "Pass a function that makes new layers on the tensor that it is "
        "given, such as lambda x: Network(input_tensor=x, "
        "weights=None).output.",
    )


def _by_name(backbone, inputs):
    """Builds a backbone of named inputs, each joined over the members.

    Args:
        backbone: `Backbone`.
        inputs: KerasTensor (N, M, D).
    """
    rows = keras.Input(inputs.shape[2:])
    outputs, _ = backbone.features(rows, Kit())
    # Networks within the network are unfolded, to see the first layers.
    again = keras.Input(inputs.shape[2:])
    network = keras.Model(again, _built_on(again, rows, outputs))
    [split] = [x for x in network.layers if isinstance(x, SplitInputs)]
    seen = copy_layer(split)(inputs)
    starts, ends = [], []
    # Keras lists a layer's outputs in the order of their names.
    tensors = keras.tree.flatten(split.output)
    for name, tensor in zip(split.shapes, tensors, strict=True):
        start, end = _joined(name, seen[name], tensor, network)
        starts.append(start)
        ends.append(end)
    try:
        return _built_on(starts, ends, network.outputs[0])
    except InputError:
        raise
    except Exception as error:  # A user's own layers may raise anything.
        raise _unbuildable(error, inputs, backbone) from error


def _joined(name, inputs, tensor, network):
    """Joins the members' inputs of one name.

    Args:
        name: The input's name.
        inputs: KerasTensor (N, M, …).
        tensor: The input (N, …) in the network of one example.
        network: That network.

    Returns:
        KerasTensor without the members' axis, and the tensor of the network in
        whose place it stands.
    """
    embedded = _embedding_of(tensor, network)
    if embedded is not None:
        layer, end = embedded
        return MemberEmbedding.of(layer, inputs.shape[1])(inputs), end
    first = _leading(tensor, network)
    for layer, _ in first:
        inputs = _over_members(layer)(inputs)
    x = ConcatenateMembers(name=f"concatenate_{name}")(inputs)
    return x, first[-1][1] if first else tensor


def _lifted(build, inputs):
    """Builds the features with the first layers before the concatenation.

    Returns:
        As `build`; None if the network does not start with them.
    """
    image = keras.Input(inputs.shape[2:], dtype=inputs.dtype)
    try:
        outputs = build(image)
        first = _leading(image, keras.Model(image, outputs))
    except Exception:  # Not built on one image either: see above.
        return None
    if not first:
        return None
    x = inputs
    for layer, _ in first:
        x = _over_members(layer)(x)
    x = ConcatenateMembers(name="concatenate_members")(x)
    return _built_on(x, first[-1][1], outputs)


def _embeds(tensor):
    """Whether a layer looks up embeddings of a tensor."""
    readers = [operation for operation, _ in keras_internals.calls_on(tensor)]
    return any(isinstance(x, keras.layers.Embedding) for x in readers)


def _embedded(backbone, inputs):
    """Builds the features on the sum of the members' embeddings.

    Returns:
        KerasTensor (N, F); None if the network does not start with a new
        Embedding.
    """
    if backbone.shares:
        return None
    tokens = keras.Input(inputs.shape[2:], dtype=inputs.dtype)
    try:
        outputs, _ = backbone.features(tokens, Kit())
        found = _embedding_of(tokens, keras.Model(tokens, outputs))
    except Exception:  # Not built on one example: see above.
        return None
    if found is None:
        return None
    layer, last = found
    x = MemberEmbedding.of(layer, inputs.shape[1])(inputs)
    return _built_on(x, last, outputs)


def _embedding_of(tokens, network):
    """Returns the new Embedding that alone reads a tensor, and its output.

    None if another layer reads it, or the layer masks ids or is called again.
    """
    calls = _calls(tokens, network)
    if len(calls) != 1 or type(calls[0][0]) is not keras.layers.Embedding:
        return None
    [(layer, [last])] = calls
    if layer.mask_zero or keras_internals.call_count(layer) != 1:
        return None
    return layer, last


def _calls(tensor, network):
    """Returns a network's calls on a tensor, as `calls_on` does."""
    inside = set(network.operations)
    return [x for x in keras_internals.calls_on(tensor) if x[0] in inside]


def _built_on(x, last, outputs):
    """Builds what follows tensors of a network on others; lists, or one."""
    pairs = []

    def become(layer, within):
        copy = copy_layer(layer)
        pairs.append((layer, copy))
        return copy

    rest = keras.Function(last, outputs)
    features = graft(rest, x, become)
    for layer, copy in pairs:
        keep_weights(layer, copy)
    return features


def _leading(tensor, network):
    """Returns the preprocessing layers that follow a tensor, one by one.

    Returns:
        A list of pairs (layer, its output), names of places between included.
    """
    found, passed = [], (*_PREPROCESSING, keras.layers.Identity)
    while True:
        calls = _calls(tensor, network)
        if len(calls) != 1 or not isinstance(calls[0][0], passed):
            any_of_them = any(isinstance(x, _PREPROCESSING) for x, _ in found)
            return found if any_of_them else []
        [(layer, [tensor])] = calls
        found.append((layer, tensor))


def _over_members(layer):
    """Returns a copy that reads (N, M, …, C) and (N, …, C) alike."""
    config = layer.get_config()
    if "axis" in config:
        config["axis"] = -1
    copy = type(layer).from_config(config)
    if layer.weights:
        copy.build((None, layer.weights[0].shape[-1]))
        set_weights(copy, layer.get_weights())
    return copy
