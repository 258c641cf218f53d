"""Deep ensembles: M networks that share nothing."""

import dataclasses

import keras

from mimo_keras.errors import expected
from mimo_keras.layers import SelectMember
from mimo_keras.methods.blueprint import Blueprint, Sampling
from mimo_keras.methods.naive_multihead import deterministic
from mimo_keras.methods.registry import register


@register("deep_ensemble")
def deep_ensemble(task):
    """M independent networks, trained side by side in one model.

    Each has its own initialization and sees the images of a training batch in
    its own order; batches and augmentation are the same for all. Networks that
    differ in these too are trained separately: `mimo_keras.assemble`. A thin
    ensemble has a backbone with half the filters (wide_resnet_28_5 for
    wide_resnet_28_10), a wide one with twice as many (wide_resnet_28_20).

    Returns:
        The `Blueprint`; its network maps (N, M, …, C) to (N, M, K).

    Reference:
        Lakshminarayanan et al., Simple and scalable predictive uncertainty
        estimation using deep ensembles, NeurIPS 2017; thin and wide: Havasi
        et al., ICLR 2021, section 4.
    """
    single = dataclasses.replace(task, ensemble_size=1)
    return of_networks(
        [deterministic(single).network for _ in range(task.ensemble_size)]
    )


def of_networks(networks):
    """Returns the `Blueprint` of the deep ensemble of given networks.

    Args:
        networks: M functional models from (N, …, C) to (N, 1, K) with equal
            shapes, which become part of the ensemble unchanged.
    """
    members = len(networks)
    shape = (members, *networks[0].input_shape[1:])
    inputs = keras.Input(shape, name="member_images")
    seen = [
        SelectMember(member, name=f"select{member}")(inputs)
        for member in range(members)
    ]
    outputs = side_by_side(networks, seen)
    return Blueprint(keras.Model(inputs, outputs), Sampling(members))


def side_by_side(networks, inputs):
    """Runs M networks, each on its own input, and stacks their outputs.

    Each becomes one layer, "member0", "member1", …, so that the layer names of
    a user's own backbone cannot clash.

    Args:
        networks: M functional models with outputs (N, 1, K).
        inputs: M KerasTensors.

    Returns:
        KerasTensor (N, M, K).

    Raises:
        InputError: Two of the networks share weights.
    """
    weights = [id(w) for network in networks for w in network.weights]
    if len(weights) > len(set(weights)):
        raise expected(
            "members with weights of their own",
            "a backbone that returns the same layers for all members",
            "Pass a function that makes new layers at each call.",
        )
    outputs = [
        keras.Model(n.input, n.output, name=f"member{member}")(x)
        for member, (n, x) in enumerate(zip(networks, inputs, strict=True))
    ]
    return keras.layers.Concatenate(axis=1, name="members")(outputs)
