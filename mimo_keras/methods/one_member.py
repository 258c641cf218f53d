"""Members of an ensemble, each as a network of its own."""

import numbers

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import (
    FoldMembers,
    SelectMember,
    TemplateBank,
    UnfoldMembers,
)
from mimo_keras.layers.protocols import GivesMembersAway, Twin
from mimo_keras.methods.cloning import clone
from mimo_keras.methods.deep_ensemble import side_by_side


def one_member(network, index):
    """Extracts one member of a network whose members share no features.

    The result computes exactly what the member does, at the cost of one plain
    network.

    Args:
        network: Functional keras.Model from (N, …) to (N, M, K), whose
            members are folded rows; or from (N, M, …), a deep ensemble's.
        index: The member, from 0.

    Returns:
        Functional keras.Model from (N, …) to (N, 1, K), with a copy of the
        member's weights.

    Raises:
        InputError: There is no such member, or the members cannot be separated.
    """
    members = network.output_shape[1]
    whole = isinstance(index, numbers.Integral)
    if not whole or not 0 <= index < members:
        raise expected(
            f"a member from 0 to {members - 1}",
            f"index={index!r}",
            "Members are counted from 0.",
        )
    if any(isinstance(x, SelectMember) for x in network.layers):
        single = network.get_layer(f"member{index}")
        return clone(single, single.input_shape[1:])
    if not _members_are_rows(network):
        raise expected(
            "a method whose members are rows, such as mixture_ensemble",
            f"network={network.name}",
            "Members of this method are not separate networks.",
        )

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


def members_apart(network):
    """Copies an ensemble as one network per member, side by side.

    A layer of M kernels splits and rejoins the rows, which takes time at every
    convolution; networks of plain layers avoid it.

    Args:
        network: Functional keras.Model from (N, …) to (N, M, K).

    Returns:
        Functional keras.Model that computes the same; None if the network's
        kernels are not composed of templates (a copy of each member would then
        be larger than what they share), or its members cannot be separated.
    """
    layers = network.layers
    last = keras_internals.maker(network.outputs[0])
    known = isinstance(last, UnfoldMembers) and _members_are_rows(network)
    if not any(isinstance(x, TemplateBank) for x in layers):
        return None
    if not known or not all(map(_is_separable, layers)):
        return None
    image = keras.Input(network.input_shape[1:], name="images")
    members = network.output_shape[1]
    networks = [one_member(network, index) for index in range(members)]
    return keras.Model(image, side_by_side(networks, [image] * members))


def _members_are_rows(network):
    folds = [x for x in network.layers if isinstance(x, FoldMembers)]
    # If members see different inputs, a mixing block follows.
    alike = {(x.by_member, x.ensemble_size) for x in folds}
    return alike == {(False, network.output_shape[1])}


def _is_separable(layer):
    return (
        isinstance(layer, (FoldMembers, UnfoldMembers, GivesMembersAway))
        or getattr(layer, "ensemble_size", 1) == 1
    )
