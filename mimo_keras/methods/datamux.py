"""DataMUX: inputs that are marked, combined and finally separated."""

import keras

from mimo_keras.backbones import Kit
from mimo_keras.errors import closest, expected
from mimo_keras.layers import (
    DemultiplexMembers,
    MultiplexConvolutions,
    MultiplexMembers,
)
from mimo_keras.methods.blueprint import Blueprint, Sampling
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("datamux")
def datamux(
    task,
    *,
    keys="gaussian",
    reduce="mean",
    demultiplexer=None,
    batch_repetitions=1,
    input_repetition_probability=0.0,
    shuffle_group=0,
):
    """M inputs combined by keys, one trunk, one demultiplexer per member.

    Args:
        task: The `Task`.
        keys: "gaussian" or "orthogonal" for fixed keys, "conv" for learned
            convolutions of images, "identity" for one member without a key.
        reduce: "mean" for the mean of the marked inputs, which is DataMUX;
            "concatenate" for all their channels, which is the MIMMO paper's
            form of it.
        demultiplexer: "mlp" for a perceptron per member and one head that all
            share; "heads" for a head per member; None for "mlp" with fixed keys
            and "heads" otherwise.
        batch_repetitions: R, the number of times a step sees each image.
        input_repetition_probability: ρ, the fraction of rows with the same
            image in all inputs.
        shuffle_group: g, the number of images among which rows are formed; 0
            for all images of a replica.

    Returns:
        The `Blueprint`; its network maps (N, M, …, C) to (N, M, K).

    Reference:
        Murahari et al., DataMUX: data multiplexing for neural networks,
        NeurIPS 2022, section 3; for "conv" and "concatenate": Ferianc and
        Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.
    """
    members = task.ensemble_size
    if task.backbone.named:
        _check_named(keys, reduce)
    inputs = keras.Input((members, *task.input_shape), name="member_images")
    x = _multiplexer(keys, members, reduce)(inputs)
    features, _ = task.backbone.features(x, Kit())
    if demultiplexer is None:
        demultiplexer = "heads" if keys in ("conv", "identity") else "mlp"
    outputs = _demultiplexer(demultiplexer, task)(features)
    return Blueprint(
        keras.Model(inputs, outputs),
        Sampling(
            members,
            batch_repetitions,
            input_repetition_probability,
            shuffle_group,
        ),
    )


def _check_named(keys, reduce):
    """Raises InputError unless each of several inputs is marked by itself."""
    if keys not in ("gaussian", "identity") or reduce != "mean":
        raise expected(
            "keys='gaussian' and reduce='mean' for inputs of a dictionary",
            f"keys={keys!r}, reduce={reduce!r}",
            "Others do not keep the inputs apart, or take images alone.",
        )


def _multiplexer(keys, members, reduce):
    if keys == "conv":
        return MultiplexConvolutions(members, reduce=reduce, name="multiplex")
    if keys == "identity" and members > 1:
        raise expected(
            "keys that distinguish the members",
            f"keys='identity' for {members} members",
            "Choose gaussian, orthogonal or conv.",
        )
    return MultiplexMembers(members, keys, reduce=reduce, name="multiplex")


def _demultiplexer(kind, task):
    """Returns the function from features (N, F) to logits (N, M, K)."""
    if kind == "heads":
        return heads(task)
    if kind != "mlp":
        raise expected(
            "demultiplexer mlp or heads",
            f"demultiplexer={kind!r}",
            closest(kind, ("mlp", "heads")),
        )

    def head(features):
        own = DemultiplexMembers(
            task.ensemble_size, features.shape[-1], name="demultiplex"
        )
        return Kit().dense(task.outputs, name="head")(own(features))

    return head
