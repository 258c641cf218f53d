"""Gives the layers of a user's own backbone members."""

import inspect
import math

import keras
import numpy as np

from mimo_keras.backbones import Kit
from mimo_keras.backbones.vit import PositionEmbedding
from mimo_keras.errors import expected
from mimo_keras.layers import FusedBatchNormalization, MemberBatchNormalization
from mimo_keras.methods.cloning import copy_layer, graft, set_weights

_BATCH_NORMS = (keras.layers.BatchNormalization, FusedBatchNormalization)
# Layers whose weights of several axes all members share: what follows them
# scales each channel for each member.
_SHARED = (PositionEmbedding, keras.layers.Embedding, keras.layers.PReLU)
# Arguments that say how a layer of Keras stores its kernel.
_STORAGE = {"lora_alpha", "lora_rank", "quantization_config"}

# Options of a batch norm that those of members do not have.
_OF_PLAIN_NORMS = (
    "renorm",
    "beta_regularizer",
    "gamma_regularizer",
    "beta_constraint",
    "gamma_constraint",
)

# Names of the layers around a backbone.
_OURS = {"fold_members", "heads", "images", "stem", "unfold_members"}


class MemberLayers:
    """Builds a backbone whose kernels are replaced by those of members.

    Kernels, biases and all shared weights keep the values that the backbone
    has; only what distinguishes the members is new.

    Args:
        makers: Dictionary from classes of Keras to constructors of the layers
            for members, which take the same arguments.
        members: M.
        ensemble_batch_norm: Whether each member has its own batch norms.
        shares: Whether layers without a version for members stay as they are,
            shared by all, instead of being refused.
        fits: Function from a layer to whether its version for members can
            replace it.
    """

    def __init__(
        self,
        makers,
        members,
        ensemble_batch_norm,
        shares=False,
        fits=lambda layer: True,
    ):
        self.makers, self.members = makers, members
        self.ensemble_batch_norm = ensemble_batch_norm
        self.shares, self.fits = shares, fits
        self._pairs, self._names = [], set()

    def features(self, backbone, x):
        """Builds a backbone that does not use a kit.

        Args:
            backbone: `Backbone`.
            x: KerasTensor of folded members (M·B, …).

        Returns:
            KerasTensor (M·B, F).

        Raises:
            InputError: A layer with weights has no version for members.
        """
        plain = keras.Input(x.shape[1:], dtype=x.dtype)
        outputs, _ = backbone.features(plain, Kit())
        features = graft(keras.Model(plain, outputs), x, self._become)
        for source, copy in self._pairs:
            self._keep(source, copy)
        return features

    def _become(self, layer, within):
        if not isinstance(layer, keras.layers.Layer):
            return layer  # An operation of keras.ops.
        kind = type(layer)
        name = self._unique(layer.name, within)
        if kind in self.makers and not self._stays(layer):
            copy = self.makers[kind](**_arguments(layer), name=name)
        elif kind in _BATCH_NORMS and self._has_norms(layer):
            copy = self._batch_norm(layer, name)
        elif (
            self.shares
            or kind in _SHARED
            or all(len(w.shape) < 2 for w in layer.weights)
        ):
            # Norms and other layers of one number for each channel.
            copy = copy_layer(layer, name=name)
        else:
            known = sorted(kind.__name__ for kind in self.makers)
            raise expected(
                f"layers with members: {', '.join(known)}, norms and layers "
                "without kernels",
                f"layer {layer.name} of type {kind.__name__}",
                "Replace it, use a backbone by name, or another method such as "
                "deep_ensemble.",
            )
        self._pairs.append((layer, copy))
        return copy

    def _stays(self, layer):
        """Whether a layer is shared though there is a version for members."""
        grouped = getattr(layer, "groups", 1) > 1
        return self.shares and (grouped or not self.fits(layer))

    def _has_norms(self, layer):
        """Whether each member has its own copy of a batch norm."""
        fits = not (self.shares and _unfit_norm(layer))
        return self.ensemble_batch_norm and fits

    def _unique(self, name, within):
        """Returns a name that no other layer of the network has."""
        if name in self._names | _OURS:
            name = "_".join((*within, name, "own"))
        while name in self._names:
            name += "_own"
        self._names.add(name)
        return name

    def _batch_norm(self, layer, name):
        if unfit := _unfit_norm(layer):
            wanted, received = unfit
            raise expected(
                f"batch norms {wanted}",
                f"layer {layer.name} with {received}",
                "Use ensemble_batch_norm=False.",
            )
        return MemberBatchNormalization(
            self.members,
            momentum=layer.momentum,
            epsilon=layer.epsilon,
            trainable=layer.trainable,
            dtype=layer.dtype_policy,
            name=name,
        )

    def _keep(self, source, copy):
        """Gives a copy the weights of the layer that it replaces."""
        if hasattr(copy, "ensemble_bias"):
            copy.kernel.assign(source.kernel)
            if source.use_bias:
                _assign_to_all(copy.ensemble_bias, source.bias)
        elif isinstance(copy, MemberBatchNormalization):
            for weight, value in zip(copy.weights, source.weights, strict=True):
                _assign_to_all(weight, value)
        elif isinstance(copy, keras.layers.Layer):
            set_weights(copy, source.get_weights())
        # All others are composed: `warm_start` fills their banks.


def _unfit_norm(layer):
    """Returns what members' own batch norms need, and what a layer has.

    Returns:
        Two texts; None if members can have copies of the layer.
    """
    last = layer.axis in (-1, layer.input_spec.ndim - 1)
    if not (layer.scale and layer.center and last):
        return (
            "with scale and center over the last axis",
            f"scale={layer.scale}, center={layer.center}, axis={layer.axis}",
        )
    for name in _OF_PLAIN_NORMS:
        if value := getattr(layer, name, None):
            wanted = f"without {name} for members of their own"
            return wanted, f"{name}={value}"
    return None


def _assign_to_all(weight, value):
    """Assigns one member's values to all, in a weight of (M·C,) or (M, C)."""
    value = keras.ops.convert_to_numpy(value)
    many = np.tile(value, math.prod(weight.shape) // value.size)
    weight.assign(many.reshape(weight.shape))


def _arguments(layer):
    """Returns a layer's arguments: as objects, which edward2 understands."""
    names = set(inspect.signature(type(layer).__init__).parameters)
    names -= {"self", "kwargs", *_STORAGE}
    arguments = {name: getattr(layer, name) for name in names}
    return arguments | {
        "trainable": layer.trainable,
        "dtype": layer.dtype_policy,
    }
