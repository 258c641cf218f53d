"""Many heads on one trunk, and its special case, the deterministic network."""

import keras

from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.layers import DenseMultihead
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.registry import register


@register("naive_multihead")
def naive_multihead(task):
    """M heads that share the input and the whole trunk.

    Reference:
        Havasi et al., ICLR 2021, section 3.1; Lee et al., 2015.
    """
    inputs = keras.Input(task.input_shape, name="images")
    features, _ = task.backbone.features(inputs, Kit())
    return Blueprint(keras.Model(inputs, heads(task)(features)))


@register("deterministic")
def deterministic(task):
    """One network with one head: the baseline of all other methods."""
    if task.ensemble_size != 1:
        raise expected(
            "ensemble_size=1 for method deterministic",
            f"ensemble_size={task.ensemble_size}",
            "Choose another method for an ensemble.",
        )
    return naive_multihead(task)


def heads(task):
    """Returns the layer of M heads that read the same features."""
    return DenseMultihead(task.outputs, task.ensemble_size, name="heads")
