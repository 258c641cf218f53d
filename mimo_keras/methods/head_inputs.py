"""What the heads of a network read: its last features."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import FoldMembers, UnfoldMembers


class Tapped(NamedTuple):
    """A network's outputs, and the features that they are computed from.

    Attributes:
        logits: KerasTensor (B, E, K).
        features: KerasTensor (B, G, F). The G groups of components read the
            same features: component e those of group ⌊e · G / E⌋. Narrower
            ones than others are followed by zeros.
        head: Function from features (N, G, F) to logits (N, E, K); None if
            the heads' weights are not known to it.
    """

    logits: Any
    features: Any
    head: Callable | None


def tapped(network):
    """Returns the network with a second output, the features, and its head.

    G is 1 where all members read the same features (mimo, mixmo, mixshare,
    naive_multihead), the number of depths where each has its own head's input
    (mimmo, dun, early_exit), of samples in mc_dropout, and otherwise M.

    Args:
        network: Functional keras.Model from images (B, …) to (B, E, K), as in a
            `Predictor`.

    Returns:
        keras.Model from images to [(B, E, K), (B, G, F)] with the same layers,
        and the function `Tapped.head` or None.

    Raises:
        InputError: The outputs are not those of dense layers.
    """
    found = _tap(network.outputs[0])
    outputs = [found.logits, found.features]
    return keras.Model(network.inputs[0], outputs), found.head


def _same(values):
    return values


def _tap(tensor):
    layer = keras_internals.maker(tensor)
    inputs = keras_internals.made_from(tensor)
    for kind, tap in _TAPS.items():
        if isinstance(layer, kind):
            return tap(layer, inputs)
    # Every dense layer, ours and Keras's, says how many outputs it has.
    if not hasattr(layer, "units"):
        raise expected(
            "a network that ends in dense layers, whose inputs are features",
            f"layer {layer.name} of type {type(layer).__name__}",
            "Use a score of the logits, such as score='energy'.",
        )
    return _dense(layer, inputs, tensor)


def _dense(layer, inputs, logits):
    features = inputs[0]
    # Of several inputs, the others are weights, which the network composes.
    head = layer if len(inputs) == 1 else None
    if len(features.shape) == len(logits.shape):
        return Tapped(logits, features, head)
    name = _named(keras_internals.maker(features))  # Heads may be called twice.
    one = keras.layers.Reshape((1, features.shape[-1]), name=name)(features)
    return Tapped(logits, one, _after(head, lambda values: values[:, 0]))


def _after(head, before=_same, after=_same):
    """Returns a head with something before and after it; None for none."""
    if head is None:
        return None
    return lambda values: after(head(before(values)))


def _model(layer, inputs):
    inner = _tap(layer.outputs[0])
    both = keras.Model(layer.inputs[0], [inner.logits, inner.features])
    logits, features = both(inputs[0], training=False)
    return inner._replace(logits=logits, features=features)


def _passed(layer, inputs):
    inner = _tap(inputs[0])
    return inner._replace(
        logits=layer(inner.logits), head=_after(inner.head, after=layer)
    )


def _concatenated(layer, inputs):
    parts = [_tap(tensor) for tensor in inputs]
    sizes = [part.features.shape[1] for part in parts]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    widths = [part.features.shape[-1] for part in parts]

    def head(values):
        seen = ops.split(values, ends[:-1], axis=1)
        every = zip(parts, seen, widths, strict=True)
        return layer([part.head(some[..., :n]) for part, some, n in every])

    features = keras.layers.Concatenate(axis=1, name=_named(layer))(
        [_padded(part.features, max(widths)) for part in parts]
    )
    known = all(part.head is not None for part in parts)
    return Tapped(
        layer([part.logits for part in parts]),
        features,
        head if known else None,
    )


def _padded(features, width):
    """Returns features (B, G, F) with zeros up to a width."""
    missing = width - features.shape[-1]
    if not missing:
        return features
    return ops.pad(features, [[0, 0], [0, 0], [0, missing]])


def _unfolded(layer, inputs):
    inner, members = _tap(inputs[0]), layer.ensemble_size
    fold = FoldMembers(members, by_member=True)
    return Tapped(
        layer(inner.logits),
        UnfoldMembers(members, name=_named(layer))(inner.features),
        _after(inner.head, fold, layer),
    )


def _reshaped(layer, inputs):
    """Of samples (B, S, G, F), which become (B, S·G, F); or of one exit."""
    inner = _tap(inputs[0])
    if len(inner.features.shape) == 2:
        one = (1, inner.features.shape[-1])
        return Tapped(
            layer(inner.logits),
            keras.layers.Reshape(one, name=_named(layer))(inner.features),
            _after(inner.head, lambda values: values[:, 0], layer),
        )
    samples, groups, width = inner.features.shape[1:]
    split = keras.layers.Reshape((samples, groups, width))
    join = keras.layers.Reshape((samples * groups, width), name=_named(layer))
    return Tapped(
        layer(inner.logits),
        join(inner.features),
        _after(inner.head, split, layer),
    )


def _named(layer):
    return f"{layer.name}_features"


_TAPS = {
    keras.Model: _model,
    UnfoldMembers: _unfolded,
    keras.layers.Concatenate: _concatenated,
    keras.layers.Reshape: _reshaped,
    keras.layers.Identity: _passed,
}
