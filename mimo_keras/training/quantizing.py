"""Keras's quantization of a model, which says when it changes nothing."""

import re
import warnings

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected

# Keras wraps `quantize` in a function of its own.
_USER = 3

_KINDS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Embedding,
)


class Quantizing:
    """Mixin for keras.Model whose `quantize` is answered in one line.

    List it before keras.Model.
    """

    def quantize(self, mode=None, config=None, filters=None, **kwargs):
        """Quantizes the layers that Keras can, such as Dense, as in Keras.

        Parts of other layers, such as an attention's projections, are left as
        they are, with a warning: Keras can neither copy them quantized nor load
        them from a file.

        Args:
            mode: "int8", "int4" or "float8"; see keras.Model.quantize.
            config: As in Keras.
            filters: As in Keras.
            **kwargs: As in Keras.

        Raises:
            InputError: The dense layers are of a kind that Keras cannot
                quantize, such as BatchEnsemble's, so that nothing would change.
        """
        with warnings.catch_warnings():
            # Keras warns once for each layer that it leaves as it is.
            warnings.filterwarnings("ignore", ".* `quantize` method")
            kept = _parts_of_layers(self)
            ids = {id(part) for parts in kept.values() for part in parts}
            chosen = (
                (lambda x: id(x) not in ids and _passes(x, filters))
                if ids
                else filters
            )
            super().quantize(mode, config=config, filters=chosen, **kwargs)
        if names := _kept(kept, filters):
            message = (
                "These layers' parts are not quantized, since Keras could not "
                f"load them from a file: {names}"
            )
            warnings.warn(message, stacklevel=_USER)
        layers = keras_internals.layers_within(self)
        if filters is not None or any(map(is_quantized, layers)):
            return
        kinds = {type(x).__name__ for x in layers if isinstance(x, _KINDS)}
        error = expected(
            "layers that Keras quantizes, such as keras.layers.Dense",
            ", ".join(sorted(kinds)) or "a network without any",
            "Nothing was changed: use the model as it is.",
        )
        if kinds:
            raise error
        warnings.warn(str(error), stacklevel=_USER)


def _parts_of_layers(model):
    """Returns the layers that are parts of others, by the whole one.

    Those of models and of wrappers, which say in their config what they hold,
    do not count.
    """
    holders = (keras.Model, keras.layers.Wrapper)
    found = {}
    for layer in keras_internals.layers_within(model):
        parts = [
            part
            for part in keras_internals.layers_within(layer)
            if isinstance(part, _KINDS) and not is_quantized(part)
        ]
        if parts and not isinstance(layer, holders):
            found[layer] = parts
    return found


def _passes(layer, filters):
    """Whether a layer is one of those that Keras's argument chooses."""
    if filters is None or callable(filters):
        return filters is None or filters(layer)
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)


def _kept(kept, filters):
    """Returns the layers whose parts were left as they are, as text."""
    names = [
        f"{whole.name} of type {type(whole).__name__}"
        for whole, parts in kept.items()
        if any(_passes(part, filters) for part in parts)
    ]
    others = f" and {len(names) - 3} others" if names[3:] else ""
    return ", ".join(names[:3]) + others


def is_quantized(layer):
    """Whether a layer holds quantized weights."""
    return getattr(layer, "quantization_mode", None) is not None
