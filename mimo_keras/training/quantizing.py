"""Keras's quantization of a model, which says when it changes nothing."""

import warnings

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected

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
            super().quantize(mode, config=config, filters=filters, **kwargs)
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
        warnings.warn(str(error), stacklevel=2)


def is_quantized(layer):
    """Whether a layer holds quantized weights."""
    return getattr(layer, "quantization_mode", None) is not None
