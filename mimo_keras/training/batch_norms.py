"""Whose rows the batch norms of a network see in training."""

import keras

from mimo_keras import keras_internals, layers
from mimo_keras.errors import InputError, expected
from mimo_keras.layers import FoldMembers
from mimo_keras.layers.row_groups import check_size

_OWN = (layers.FusedBatchNormalization, layers.MemberBatchNormalization)
_KINDS = (keras.layers.BatchNormalization, layers.MemberBatchNormalization)


def arrange(blueprint, synchronized, group):
    """Makes batch norms see the rows of all replicas, or of few images.

    With groups of 64 images, one large device trains as several do with 64
    images each: mean and variance are those of all rows of 64 images.

    Args:
        blueprint: The `methods.Blueprint`, whose network is changed.
        synchronized: Whether they see the rows of all replicas.
        group: Images in a group; 0 for all of a replica. A network with groups
            needs batch norms of this package, as backbones by name have.

    Raises:
        InputError: The network or the backend does not allow it.
    """
    network = blueprint.network
    _check(group, synchronized)
    if group:
        _divide(network, group, blueprint.sampling.batch_repetitions)
    if synchronized:
        _synchronize(network)


def _synchronize(network):
    """Makes batch norms see the rows of all replicas."""
    if keras.backend.backend() != "tensorflow":
        raise expected(
            "sync_batch_norm=False under this backend",
            f"sync_batch_norm=True, backend={keras.backend.backend()}",
            "Only TensorFlow has replicas: set KERAS_BACKEND=tensorflow.",
        )
    for layer in _batch_norms(network):
        # The attribute set by their constructors and read by their configs
        # and calls.
        layer.synchronized = True


def _check(images, synchronized):
    try:
        check_size(images, synchronized)
    except InputError:
        raise expected(
            "norm_group to be a whole number of at least 0, without "
            "sync_batch_norm",
            f"norm_group={images!r}, sync_batch_norm={synchronized}",
            "Use 0 for batch norms that see all images of a device.",
        ) from None


def _divide(network, images, batch_repetitions):
    norms = _batch_norms(network)
    for layer in norms:
        if not isinstance(layer, _OWN):
            raise expected(
                "norm_group=0 for a backbone with Keras's batch norms",
                f"norm_group={images}, layer {layer.name}",
                "Build it of mimo_keras.layers.FusedBatchNormalization, or "
                "use 0.",
            )
    if not norms:
        raise expected(
            "norm_group=0 for a network without batch norms",
            f"norm_group={images}",
            "Use 0.",
        )
    members = _folded_members(network)
    for layer in norms:
        layer.group_size = images * batch_repetitions
        if isinstance(layer, layers.FusedBatchNormalization):
            layer.ensemble_size = members


def _batch_norms(network):
    within = keras_internals.layers_within(network)
    return [layer for layer in within if isinstance(layer, _KINDS)]


def _folded_members(network):
    """Returns how many rows of one image are members' rows, one or M."""
    folds = [x for x in network.layers if isinstance(x, FoldMembers)]
    return max((x.ensemble_size for x in folds if not x.by_member), default=1)
