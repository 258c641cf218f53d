"""A copy of a trained network, in which every layer is plain and has a name."""

import re

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.methods.cloning import copy_layer, graft, keep_weights

# Names of the layers that methods put around a trunk.
_OURS = re.compile(
    "images|standardize|stem|heads?|pool|member.*|select.*|stage_.*|exit.*|"
    "bank_.*|.*_members|components|loss_weights|.*_encoded|features_drop|"
    "depth_posterior|fold_unmixed|unfold_features"
)


def copied(network, inputs):
    """Runs inputs through a copy without inner models, names made unique.

    Args:
        network: The trained functional keras.Model.
        inputs: KerasTensor like its input.

    Returns:
        The KerasTensor that the copy returns.

    Raises:
        InputError: A layer is quantized, or its copy has other weights.
    """
    for layer in keras_internals.layers_within(network):
        if getattr(layer, "quantization_mode", None) is not None:
            raise expected(
                "a network that is not quantized",
                f"layer {layer.name} quantized to {layer.quantization_mode}",
                "Pass it as it was before, and quantize the predictor.",
            )
    names, pairs = set(), []

    def become(layer, within):
        if not isinstance(layer, keras.layers.Layer):
            return copy_layer(layer)  # An operation of keras.ops.
        name = layer.name
        if name in names or _OURS.fullmatch(name):
            name = "_".join((*within, name, "own"))
        while name in names:
            name += "_own"
        names.add(name)
        merged = {"lora_rank": None} if _has_lora(layer) else {}
        copy = copy_layer(layer, name=name, **merged)
        pairs.append((layer, copy))
        return copy

    outputs = graft(network, inputs, become)
    for pair in pairs:
        _keep(*pair)
    return outputs


def _has_lora(layer):
    return bool(getattr(layer, "lora_enabled", False))


def _keep(layer, copy):
    """Gives a copy its layer's weights; a kernel with what LoRA adds to it."""
    if _has_lora(layer):
        merged = {}
        layer.save_own_variables(merged)
        copy.set_weights([*merged.values()])
        return
    keep_weights(layer, copy)
    one, other = ([tuple(w.shape) for w in x.weights] for x in (layer, copy))
    if one != other:
        raise expected(
            "layers whose copies have the weights of the original",
            f"layer {layer.name} of type {type(layer).__name__}, which has "
            "been changed since it was made",
            "Make it anew with the weights that it computes with.",
        )
