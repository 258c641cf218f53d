"""Keeps token ids exact on their way through a network."""

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import (
    ConcatenateMembers,
    FoldMembers,
    MemberEmbedding,
    MultiplexConvolutions,
    MultiplexMembers,
    RepeatMembers,
    SelectMember,
    SplitInputs,
)

# Layers that add up what members see.
_MIXES = (MultiplexConvolutions, MultiplexMembers)

# Layers that look up token ids.
_EMBEDS = (MemberEmbedding, keras.layers.Embedding)

# Layers that move values without computing with them.
_MOVES = (
    ConcatenateMembers,
    FoldMembers,
    RepeatMembers,
    SelectMember,
    SplitInputs,
    keras.Model,
    keras.layers.Concatenate,
    keras.layers.Cropping1D,
    keras.layers.Flatten,
    keras.layers.Identity,
    keras.layers.Permute,
    keras.layers.RepeatVector,
    keras.layers.Reshape,
)


def keep_exact(network):
    """Makes layers that only move values keep their precision.

    Under mixed precision Keras casts the inputs of every layer to 16 bits,
    which hold whole numbers up to 256 (bfloat16) or 2048 (float16): other token
    ids would become their neighbors on the way to an embedding.

    Args:
        network: keras.Model; it and its layers are changed.
    """
    for layer in (network, *keras_internals.layers_within(network)):
        if isinstance(layer, _MOVES):
            layer.autocast = False


def check_scale_of_ids(network, input_scale):
    """Raises InputError if a network that reads token ids would scale them.

    Args:
        network: keras.Model.
        input_scale: See `layers.StandardizeImages`.
    """
    layers = keras_internals.layers_within(network)
    mixes = any(isinstance(x, _MIXES) and x.ensemble_size > 1 for x in layers)
    if input_scale is None and not mixes:
        return
    for layer in layers:
        is_embedding = isinstance(layer, _EMBEDS)
        if not (is_embedding and keras_internals.call_count(layer)):
            continue
        if mixes:
            raise expected(
                "a method that shows token ids to the backbone as they are",
                f"datamux and layer {layer.name}",
                "It multiplies them by keys: use another method, such as mimo.",
            )
        raise expected(
            "input_scale=None for a backbone that embeds token ids",
            f"input_scale={input_scale!r} and layer {layer.name}",
            "Ids are not intensities: they must not be divided by 255.",
        )
