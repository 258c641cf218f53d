"""BatchEnsemble: members that scale the input and output of one kernel."""

import functools

import keras

from mimo_keras import layers
from mimo_keras.backbones import Kit
from mimo_keras.backbones.kit import conv2d
from mimo_keras.errors import expected, warn
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.member_layers import MemberLayers
from mimo_keras.methods.registry import register

_KINDS = {
    keras.layers.Conv1D: "Conv1DBatchEnsemble",
    keras.layers.Conv2D: "Conv2DBatchEnsemble",
    keras.layers.Dense: "DenseBatchEnsemble",
    keras.layers.DepthwiseConv2D: "DepthwiseConv2DBatchEnsemble",
}


@register("batch_ensemble")
def batch_ensemble(
    task,
    *,
    ensemble_batch_norm=False,
    random_sign_init=-0.5,
    fast_weight_lr_multiplier=0.5,
    member_reduction="mean",
):
    """M members whose kernels differ by a rank-1 factor.

    The loss is the mean of the members' losses: each row of a step is M rows of
    a network whose weights are nearly all shared.

    Args:
        task: The `Task`.
        ensemble_batch_norm: Whether each member has its own batch norms.
        random_sign_init: Initialization of the fast weights. Below 0: normal
            with mean 1 and its absolute value as standard deviation. Above 0:
            ±1, with +1 at this probability. At 0: all 1, which is the
            deterministic network. At 0 and 1 all members start equal and
            receive equal gradients, so that they stay one network, which a
            warning says.
        fast_weight_lr_multiplier: Factor on the fast weights' learning rate.
        member_reduction: "mean" of the members' losses, or "sum".

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, M, K).

    Reference:
        Wen et al., BatchEnsemble, ICLR 2020; the defaults are those of
        Uncertainty-Baselines on CIFAR.
    """
    if random_sign_init in (0, 1) and task.ensemble_size > 1:
        error = expected(
            "random_sign_init that lets members start different",
            f"random_sign_init={random_sign_init}",
            "They start, and stay, equal: use -0.5 or 0.5 for an ensemble.",
        )
        warn(str(error))

    def options():
        return {
            "alpha_initializer": sign_initializer(random_sign_init),
            "gamma_initializer": sign_initializer(random_sign_init),
            "fast_weight_lr_multiplier": fast_weight_lr_multiplier,
        }

    network = folded_members(task, _KINDS, options, ensemble_batch_norm)
    return Blueprint(network, member_reduction=member_reduction)


def folded_members(
    task, kinds, options, ensemble_batch_norm, fits=lambda layer: True
):
    """Builds a network whose members are rows of the batch.

    Args:
        task: The `Task`.
        kinds: Dictionary from classes of Keras, at least Conv2D and Dense, to
            the names in `layers` of those that replace them.
        options: Function without arguments, called for each layer, that returns
            its further keyword arguments. Initializers must be new each time:
            Keras's return the same numbers at each call.
        ensemble_batch_norm: Whether each member has its own batch norms.
        fits: See `MemberLayers`.

    Returns:
        Functional keras.Model from (N, …) to (N, M, K).

    Raises:
        InputError: The backbone has a layer without a version for members.
    """
    members, plain = task.ensemble_size, Kit()

    def make(kind):
        return lambda *args, **kwargs: getattr(layers, kinds[kind])(
            *args, ensemble_size=members, **options(), **kwargs
        )

    conv, dense = make(keras.layers.Conv2D), make(keras.layers.Dense)
    kit = Kit(
        conv=functools.partial(conv2d, layer=conv),
        dense=functools.partial(dense, **plain.dense.keywords),
        norm=functools.partial(
            layers.MemberBatchNormalization, members, **plain.norm.keywords
        )
        if ensemble_batch_norm
        else plain.norm,
    )
    inputs = keras.Input(task.input_shape, name="images")
    x = layers.FoldMembers(members, name="fold_members")(inputs)
    if task.backbone.uses_kit:
        features, _ = task.backbone.features(x, kit)
    else:
        makers = {kind: make(kind) for kind in kinds}
        parts = MemberLayers(
            makers, members, ensemble_batch_norm, task.backbone.shares, fits
        )
        features = parts.features(task.backbone, x)
    outputs = kit.dense(task.outputs, name="heads")(features)
    unfold = layers.UnfoldMembers(members, name="unfold_members")
    return keras.Model(inputs, unfold(outputs))


def sign_initializer(random_sign_init):
    """Returns an initializer of fast weights.

    Args:
        random_sign_init: See `batch_ensemble`.

    Raises:
        InputError: It is above 1.
    """
    if random_sign_init > 1:
        raise expected(
            "random_sign_init of at most 1",
            f"random_sign_init={random_sign_init}",
            "Above 0 it is a probability, below 0 a standard deviation.",
        )
    if random_sign_init > 0:
        return layers.RandomSign(random_sign_init)
    return keras.initializers.RandomNormal(1.0, -random_sign_init)
