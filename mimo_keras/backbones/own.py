"""A user's own function as a backbone."""

import functools
import inspect
import random
import re
import warnings

import keras

from mimo_keras import keras_internals
from mimo_keras.backbones.kit import Backbone
from mimo_keras.errors import expected

POOLINGS = {
    3: keras.layers.GlobalAveragePooling1D,
    4: keras.layers.GlobalAveragePooling2D,
    5: keras.layers.GlobalAveragePooling3D,
}
# Packages whose layers can be copied.
_KNOWN = ("keras.", "mimo_keras.")
_SIMPLE = (bool, int, float, str, tuple)
# What Keras says of a layer's input; a line within several.
_INCOMPATIBLE = re.compile(
    r"Input 0 .* incompatible with the layer.*[^\W]|Kernel shape must have.*\)"
)


def own(function):
    """Returns the `Backbone` of a function from a KerasTensor to features.

    The whole network is the stem, so methods that reach into a backbone cannot
    use it.

    Args:
        function: From a KerasTensor (N, …, channels) to features (N, F) or to
            a feature map, which is then averaged over space.
    """
    return Backbone(
        stem=functools.partial(_built, function),
        stages=(),
        top=averaged,
        uses_kit=False,
    )


def _built(function, x, kit):
    if _is_graph(function):
        _check_fit(function, [x])
    features = _called(function, x)
    if isinstance(features, keras.KerasTensor) and features is not x:
        layers = _layers_between(x, features)
        _check_models(x, features)
        check_copies(layers)
        check_pooling(layers, features)
    return features


class Misfit(ValueError):
    """A finished network cannot read what it is given."""


def _called(function, x):
    """Calls a function; raises Misfit for what Keras says of wrong shapes."""
    try:
        return function(x)
    except ValueError as error:
        found = _INCOMPATIBLE.search(str(error))
        if found is None:
            raise
        raise Misfit(f"a layer that says: {found[0]}") from error


def _is_graph(function):
    """Whether a function is a model that is built."""
    is_model = isinstance(function, keras.Model)
    return is_model and bool(getattr(function, "inputs", None))


def _check_models(x, features):
    """Raises Misfit if a model between two tensors is given a wrong shape.

    Keras says so of layers, but of models only when they are run.
    """
    seen, waiting = {id(x)}, [features]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation = keras_internals.maker(tensor)
        given = keras_internals.made_from(tensor)
        if _is_graph(operation):
            _check_fit(operation, given)
            waiting += operation.outputs
        waiting += given


def _check_fit(model, given):
    if len(model.inputs) != 1 or len(given) != 1:
        return
    own, shape = (tuple(x.shape[1:]) for x in (model.inputs[0], given[0]))
    if len(own) != len(shape) or any(
        size not in (None, other)
        for size, other in zip(own, shape, strict=True)
    ):
        raise Misfit(f"a network for inputs of shape {own}, given {shape}")


def _layers_between(x, features):
    try:
        return keras.Function(x, features).operations
    except ValueError as error:
        if keras_internals.repeated_name(error) is not None:
            raise  # Methods name their layers, too: `methods.build` answers.
        raise expected(
            "features computed from the tensor that the backbone gets",
            f"backbone(x)={features!r}, which does not depend on x",
            "Make the layers on x, as in Network(input_tensor=x).output.",
        ) from error


def averaged(x, kit):
    """Returns features (N, F): a feature map is averaged over space."""
    rank = len(x.shape) if isinstance(x, keras.KerasTensor) else None
    if rank != 2 and rank not in POOLINGS:
        raise expected(
            "features (N, F) or a feature map from the backbone",
            f"backbone(x)={x!r}",
            "Return the tensor, such as network.output, not the network.",
        )
    if x.shape[-1] is None:
        raise expected(
            "features of a known width",
            f"backbone(x) of shape {x.shape}",
            "Pool over axes of unknown size, or give them a size.",
        )
    if rank == 2:
        return x
    return POOLINGS[rank](name=kit.name("pool"))(kit.last_map(x))


def check_pooling(operations, features):
    """Raises InputError if the channels of a map are not its last axis.

    Args:
        operations: The layers and operations that made it, in order.
        features: KerasTensor: the map, or features (N, F).
    """
    first = channels_first(operations)
    if first is not None and len(features.shape) > 2:
        raise expected(
            "features (N, F), or a map whose channels are its last axis",
            f"a map behind layer {first.name} with "
            "data_format='channels_first'",
            "End it with keras.layers.GlobalAveragePooling2D("
            "data_format='channels_first').",
        )


def channels_first(operations):
    """Returns a convolution whose channels come first; None if there is none.

    Where axes are permuted, both orders may be right: None.
    """
    found = None
    for layer in unfolded(operations):
        if isinstance(layer, keras.layers.Permute):
            return None
        order = getattr(layer, "data_format", None)
        if order == "channels_first" and hasattr(layer, "kernel_size"):
            found = layer
    return found


def unfolded(operations):
    """Returns operations, each followed by the layers within it."""
    found = []
    for operation in operations:
        found.append(operation)
        if isinstance(operation, keras.layers.Layer):
            found += keras_internals.layers_within(operation)
    return found


def check_copies(operations):
    """Raises InputError if a layer could not be copied, as predictors are.

    Args:
        operations: Layers and other operations; models among them are checked
            layer by layer where they are graphs.
    """
    # Layers draw the seeds of their initializers when they are made.
    state = random.getstate()
    try:
        for layer in operations:
            is_model = isinstance(layer, keras.Model)
            if is_model and getattr(layer, "inputs", None):
                check_copies(layer.layers)
            elif _is_foreign(layer):
                _check_copy(layer)
    finally:
        random.setstate(state)


def _is_foreign(layer):
    """Whether a layer's class, or a function within it, is not Keras's."""
    if not isinstance(layer, keras.layers.Layer):
        return False  # An operation of keras.ops.
    return any(
        isinstance(each, keras.layers.Lambda)
        or not type(each).__module__.startswith(_KNOWN)
        for each in (layer, *keras_internals.layers_within(layer))
    ) or bool(_own_part(layer))


def _own_part(layer):
    """Returns the name of a layer's part that is not Keras's; "" if none is.

    Such as its activation, initializers and regularizers. Keras's own have no
    registered name in a config.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of lambdas.
        found = [layer.get_config()]
    while found:
        part = found.pop()
        if isinstance(part, (list, tuple)):
            found += part
        if not isinstance(part, dict):
            continue
        # Activations are without the class.
        if part.get("class_name") == "__lambda__" or part.keys() == {"value"}:
            return "a lambda"
        if part.get("class_name") and part.get("registered_name"):
            is_function = part["class_name"] == "function"
            return str(part["config" if is_function else "class_name"])
        found += part.values()
    return ""


def _check_copy(layer):
    kind = type(layer)
    try:
        config = layer.get_config()
        kind.from_config(dict(config))
    except Exception as error:  # A user's own class may raise anything.
        raise _no_copy(layer) from error
    if kind.__module__.startswith(_KNOWN):
        return
    for name, default in _defaults(kind).items():
        value = getattr(layer, name, default)
        alike = type(value) is type(default) and isinstance(value, _SIMPLE)
        if name not in config and alike and value != default:
            raise expected(
                "a backbone of layers whose get_config has all arguments",
                f"layer {layer.name} of type {kind.__name__}, without "
                f"{name}={value!r}",
                "Add it: a copy would have the default.",
            )


def _no_copy(layer):
    """Returns the error about a layer that could not be copied."""
    kind = type(layer)
    named = f"layer {layer.name} of type {kind.__name__}"
    remedy = "Give it a get_config with all arguments of its __init__."
    if isinstance(layer, keras.layers.Lambda):
        remedy = "Use keras.ops, or a keras.layers.Layer of your own."
    elif kind.__module__.startswith(_KNOWN):
        named += f" with {_own_part(layer)}"
        remedy = (
            "Write it as a function, or a class with a complete get_config, "
            "under @keras.saving.register_keras_serializable()."
        )
    return expected(
        "a backbone of layers that can be copied and loaded", named, remedy
    )


def _defaults(kind):
    """Returns the arguments of a class that have defaults."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.default is not parameter.empty
    }
