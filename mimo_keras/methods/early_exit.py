"""Early exits: one network with a separate head after each stage."""

import math

import keras

from mimo_keras.backbones import Kit
from mimo_keras.backbones.own import POOLINGS
from mimo_keras.errors import expected
from mimo_keras.methods import exits
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.registry import register


@register("early_exit")
def early_exit(task, *, exit_growth=0.3):
    """A head after each stage; the prediction is the mean over exits.

    Exit i of the D - 1 early ones averages its map over space, followed by a
    hidden layer of int(√((1 + g)^(D - i)) · F) units and ReLU, where F is the
    width of the last features. All losses have weight 1.

    Args:
        task: The `Task`, of one member.
        exit_growth: g.

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, D, K).

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B, after
        Qendro et al., Early exit ensembles for uncertainty quantification,
        ML4H 2021.
    """
    if task.ensemble_size != 1:
        raise expected(
            "ensemble_size=1 for method early_exit",
            f"ensemble_size={task.ensemble_size}",
            "Its components are the exits; use mimmo for several members.",
        )
    if exit_growth <= -1:
        raise expected(
            "exit_growth above -1",
            f"exit_growth={exit_growth}",
            "Earlier exits are wider for values above 0.",
        )
    kit = Kit()
    inputs = keras.Input(task.input_shape, name="images")
    features, endpoints = task.backbone.features(inputs, kit)
    early, width = exits.early_maps(endpoints, POOLINGS), features.shape[-1]
    depths = len(early) + 1
    outputs = []
    for index, x in enumerate(early):
        units = max(
            1,
            int(math.sqrt((1 + exit_growth) ** (depths - 1 - index)) * width),
        )
        outputs.append(_head(x, units, task.outputs, kit, f"exit{index}_"))
    outputs.append(kit.dense(task.outputs, name="head")(features))
    axis = [keras.layers.Reshape((1, task.outputs))(x) for x in outputs]
    together = keras.layers.Concatenate(axis=1, name="components")(axis)
    return Blueprint(keras.Model(inputs, together))


def _head(x, units, outputs, kit, name):
    x = POOLINGS[len(x.shape)](name=name + "pool")(x)
    x = kit.dense(units, name=name + "hidden")(x)
    x = keras.layers.ReLU(name=name + "relu")(x)
    return kit.dense(outputs, name=name + "head")(x)
