"""MIMO: multi-input multi-output networks (Havasi et al., ICLR 2021)."""

import keras

from mimo_keras.methods.blueprint import Blueprint, Sampling
from mimo_keras.methods.member_inputs import concatenated_features
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("mimo")
def mimo(
    task,
    *,
    batch_repetitions=1,
    input_repetition_probability=0.0,
    shuffle_group=0,
):
    """M subnetworks in one network: M concatenated inputs, M heads.

    Each head learns to classify its own input and to ignore the others'. At
    test time all inputs are the same image, so that one forward pass gives M
    nearly independent predictions.

    Args:
        task: The `Task`.
        batch_repetitions: R, the number of times a step sees each image.
        input_repetition_probability: ρ, the fraction of rows with the same
            image in all inputs; above 0 it lets small networks share features.
        shuffle_group: g, the number of images among which rows are formed; 0
            for all images of a replica.

    Returns:
        The `Blueprint`; its network maps (N, M, …, C) to (N, M, K).

    Reference:
        Havasi et al., ICLR 2021, sections 2 and 3.5, appendix A.
    """
    members = task.ensemble_size
    inputs = keras.Input((members, *task.input_shape), name="member_images")
    features = concatenated_features(task.backbone, inputs)
    return Blueprint(
        keras.Model(inputs, heads(task)(features)),
        Sampling(
            members,
            batch_repetitions,
            input_repetition_probability,
            shuffle_group,
        ),
    )
