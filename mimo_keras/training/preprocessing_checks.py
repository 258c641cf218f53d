"""Whether a backbone's own preprocessing meets the scale that it expects."""

import functools

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
    if found := reader(network):
        raise expected(
            "a backbone for images from 0 to 1, to which input_scale="
            f"{input_scale!r} brings them",
            f"layer {found}, which expects 0 to 255",
            f"Pass {argument('input_scale', 'None')}, so that it gets the "
            "images as they are, or leave that layer out (in "
            "keras.applications: include_preprocessing=False).",
        )


def reader(network):
    """Describes the layer by which a network shows that it reads bytes.

    Args:
        network: keras.Model.

    Returns:
        Its name and constant; "" if there is none.
    """
    for layer in keras_internals.layers_within(network):
        constant = _of_bytes(layer)
        if constant and keras_internals.call_count(layer):
            return f"{layer.name} with {constant}"
    return ""


def remember(standardize, network, image_shape):
    """Lets a model's checks know whether its network reads bytes as they are.

    Args:
        standardize: The model's `layers.StandardizeImages`.
        network: The keras.Model that follows it. It is looked at when the
            first images come, with its weights then.
        image_shape: Shape of one image; tables and series have no such scale.
    """
    plain = standardize.mean == 0.0 and standardize.std == 1.0
    if plain and len(image_shape) > 2 and standardize.input_scale is None:
        standardize.reader = functools.cache(lambda: reader(network))


def _of_bytes(layer):
    """Describes the constant by which a layer shows that it reads bytes."""
    if isinstance(layer, keras.layers.Rescaling):
        scale = np.max(np.abs(layer.scale))
        return f"scale={scale:.3g}" if scale < _FACTOR else ""
    if isinstance(layer, keras.layers.Normalization) and layer.built:
        mean = np.max(np.abs(keras.ops.convert_to_numpy(layer.mean)))
        return f"mean={mean:.3g}" if mean > _MEAN else ""
    return ""
