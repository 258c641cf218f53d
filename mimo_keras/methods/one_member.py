"""Members of an ensemble, each as a network of its own."""

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import (
    DenseMultihead,
    FoldMembers,
    SelectMember,
    TemplateBank,
    UnfoldMembers,
)
from mimo_keras.layers.arguments import is_whole
from mimo_keras.layers.protocols import (
    GivesMembersAway,
    HasDivergence,
    SeesOneImage,
    Twin,
)
from mimo_keras.methods.cloning import clone
from mimo_keras.methods.deep_ensemble import side_by_side

APART_BYTES = 2**28
"""Size of M plain networks up to which predictors of fast weights have them."""


def one_member(network, index):
    """Extracts one member of a network whose members share no features.

    The result computes exactly what the member does, at the cost of one plain
    network.

    Args:
        network: Functional keras.Model from (N, …) to (N, M, K), whose
            members are folded rows, branches or heads; or from (N, M, …), a
            deep ensemble's.
        index: The member, from 0.

    Returns:
        Functional keras.Model from (N, …) to (N, 1, K), with a copy of the
        member's weights.

    Raises:
        InputError: There is no such member, or the members cannot be separated.

    Example:

    ```python
    ensemble = mimo_keras.create_model(
        "naive_multihead", backbone="mlp_4", input_shape=(8, 8, 1),
        num_classes=10, ensemble_size=2)
    member = mimo_keras.methods.one_member(ensemble.network, 0)
    member.output_shape                                      # (None, 1, 10)
    ```
    """
    members = network.output_shape[1]
    if not is_whole(index) or not 0 <= index < members:
        raise expected(
            f"a member from 0 to {members - 1}",
            f"index={index!r}",
            "Members are counted from 0.",
        )
    last = keras_internals.maker(network.outputs[0])
    if any(isinstance(x, SelectMember) for x in network.layers):
        single = network.get_layer(f"member{index}")
        return clone(single, single.input_shape[1:])
    if last.name == "members":  # Branches of one trunk.
        branch = keras.Model(network.input, last.input[index])
        return clone(branch, network.input_shape[1:])
    _check(network, last)

    def become(layer):
        if isinstance(layer, (FoldMembers, TemplateBank)):
            return Twin(keras.layers.Identity(name=layer.name))
        if isinstance(layer, UnfoldMembers):
            return Twin(UnfoldMembers(1, name=layer.name))
        if isinstance(layer, GivesMembersAway):
            return layer.member(index)
        if not _is_separable(layer):
            raise expected(
                "layers that can return one member",
                f"{layer.name} of type {type(layer).__name__}",
                "Use the whole ensemble.",
            )
        return None

    return clone(network, network.input_shape[1:], become)


def _check(network, last):
    """Raises InputError unless members are folded rows, or heads."""
    rows = _members_are_rows(network)
    if rows and any(isinstance(x, HasDivergence) for x in network.layers):
        raise expected(
            "members that are networks",
            f"network={network.name}, whose members are distributions over "
            "networks",
            "Use the whole ensemble, or batch_ensemble.",
        )
    if rows:
        return
    if any(isinstance(x, SeesOneImage) for x in network.layers):
        raise expected(
            "a method whose members are networks of their own",
            f"network={network.name}, whose members share one pass over the "
            "inputs of all",
            "Use the whole ensemble: its predictor costs one pass.",
        )
    if not isinstance(last, DenseMultihead):
        raise expected(
            "a method whose members are rows, branches or heads, such as "
            "mixture_ensemble",
            f"network={network.name}",
            "Members of this method are not separate networks.",
        )


def members_apart(network, apart=None):
    """Copies an ensemble as one network per member, side by side.

    A layer of M kernels splits and rejoins the rows, and fast weights scale
    whole maps, which takes time at every layer; networks of plain layers avoid
    it, but each has all kernels.

    Args:
        network: Functional keras.Model from (N, …) to (N, M, K).
        apart: Whether to copy it so; None to do so if it has composed kernels,
            or fast weights and copies of at most `APART_BYTES` together.

    Returns:
        Functional keras.Model that computes the same; None if it is not to be
        copied so.

    Raises:
        InputError: `apart` is True, and the members cannot be separated.
    """
    layers = network.layers
    last = keras_internals.maker(network.outputs[0])
    known = isinstance(last, UnfoldMembers) and _members_are_rows(network)
    known = known and all(map(_is_separable, layers))
    if apart is None:
        size = 4 * network.output_shape[1] * network.count_params()
        small = size <= APART_BYTES and any(map(_is_fast, layers))
        composed = any(isinstance(x, TemplateBank) for x in layers)
        apart = known and (composed or small)
    if not apart:
        return None
    if not known:
        raise expected(
            "an ensemble whose members are folded rows for apart=True, such as "
            "batch_ensemble",
            f"network={network.name}",
            "Leave it out.",
        )
    image = keras.Input(network.input_shape[1:], name="images")
    members = network.output_shape[1]
    networks = [one_member(network, index) for index in range(members)]
    return keras.Model(image, side_by_side(networks, [image] * members))


def _members_are_rows(network):
    folds = [x for x in network.layers if isinstance(x, FoldMembers)]
    # If members see different inputs, a mixing block follows.
    alike = {(x.by_member, x.ensemble_size) for x in folds}
    return alike == {(False, network.output_shape[1])}


def _is_fast(layer):
    """Whether a layer has the fast weights of BatchEnsemble."""
    return hasattr(layer, "ensemble_bias") and hasattr(layer, "member")


def _is_separable(layer):
    return (
        isinstance(layer, (FoldMembers, UnfoldMembers, GivesMembersAway))
        or getattr(layer, "ensemble_size", 1) == 1
    )
