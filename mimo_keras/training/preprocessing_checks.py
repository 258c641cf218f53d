"""Whether a backbone's own preprocessing meets the scale that it expects."""

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.errors import argument, expected

# Factors and means of layers that read bytes, well apart from others.
_FACTOR, _MEAN = 0.02, 5.0


def check_preprocessing(network, input_scale, std):
    """Raises InputError if images would be scaled down twice.

    `layers.StandardizeImages` brings images to the scale of 0 to 1, while
    networks such as those of keras.applications may contain layers that expect
    0 to 255.

    Args:
        network: keras.Model.
        input_scale: See `layers.StandardizeImages`.
        std: Likewise; 1 / 255 takes the first scaling back.
    """
    if input_scale is None or np.max(std) < _FACTOR:
        return
    for layer in keras_internals.layers_within(network):
        constant = _of_bytes(layer)
        if constant and keras_internals.call_count(layer):
            raise expected(
                "a backbone for images from 0 to 1, to which input_scale="
                f"{input_scale!r} brings them",
                f"layer {layer.name} with {constant}, which expects 0 to 255",
                f"Pass {argument('input_scale', 'None')}, so that it gets the "
                "images as they are, or leave that layer out (in "
                "keras.applications: include_preprocessing=False).",
            )


def _of_bytes(layer):
    """Describes the constant by which a layer shows that it reads bytes."""
    if isinstance(layer, keras.layers.Rescaling):
        scale = np.max(np.abs(layer.scale))
        return f"scale={scale:.3g}" if scale < _FACTOR else ""
    if isinstance(layer, keras.layers.Normalization) and layer.built:
        mean = np.max(np.abs(keras.ops.convert_to_numpy(layer.mean)))
        return f"mean={mean:.3g}" if mean > _MEAN else ""
    return ""
