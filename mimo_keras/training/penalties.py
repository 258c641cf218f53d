"""The L1 and L2 terms of the loss, with coefficients by kind of layer."""

import dataclasses

import keras

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import MemberBatchNormalization
from mimo_keras.layers.arguments import is_number
from mimo_keras.training import losses

_NORMS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    MemberBatchNormalization,
)


@dataclasses.dataclass(frozen=True)
class Penalties:
    """The terms c₁ · Σ |w| and c₂ · Σ w², not halved.

    Attributes:
        l1: c₁.
        l2: c₂.
        scope: The weights that both include: see `losses.decayed_variables`.
        norm_l2: None, or c₂ of the weights of norms, which then have no c₁ and
            no other c₂, whatever the scope.
        ends_factor: Factor on both coefficients of the first and of the last
            layer with a kernel.

    Reference:
        Havasi et al., ICLR 2021, appendix C: their code regularizes the norms
        by a fixed L2 alone and multiplies the coefficients of the first
        convolution and of the heads, which grow with M, by M.
    """

    l1: float = 0.0
    l2: float = 0.0
    scope: str = "all"
    norm_l2: float | None = None
    ends_factor: float = 1.0

    def __post_init__(self):
        losses.checked_scope(self.scope)
        for name in ("l1", "l2", "norm_l2", "ends_factor"):
            value = getattr(self, name)
            if value is not None or name != "norm_l2":
                object.__setattr__(self, name, _coefficient(name, value))

    def added_to(self, loss, network):
        """Returns a loss with the terms of a network's weights."""
        decayed = losses.decayed_variables(network, self.scope)
        norms = [] if self.norm_l2 is None else _of_norms(network)
        ends = [] if self.ends_factor == 1 else _of_ends(network)
        special = {id(v) for v in (*norms, *ends)}
        own = {id(v) for v in norms}
        ends = [v for v in decayed if id(v) in special - own]
        rest = [v for v in decayed if id(v) not in special]
        loss = losses.penalized(loss, rest, self.l1, self.l2)
        if ends:
            l1, l2 = self.ends_factor * self.l1, self.ends_factor * self.l2
            loss = losses.penalized(loss, ends, l1, l2)
        if norms:
            loss = losses.penalized(loss, norms, 0.0, self.norm_l2)
        return loss


def _of_norms(network):
    return [
        variable
        for layer in keras_internals.layers_within(network)
        if isinstance(layer, _NORMS)
        for variable in layer.trainable_variables
    ]


def _of_ends(network):
    """Returns the weights of the first and the last layer with a kernel."""
    by_layer = [
        keras_internals.own_trainable_variables(layer)
        for layer in keras_internals.layers_within(network)
    ]
    kernels = [
        variables
        for variables in by_layer
        if any(len(v.shape) >= 2 for v in variables)
    ]
    return [v for end in (kernels[:1], kernels[-1:]) for v in sum(end, [])]


def _coefficient(name, value):
    if not is_number(value) or not 0 <= value < float("inf"):
        raise expected(
            f"{name} to be a number of at least 0",
            f"{name}={value!r}",
            "Use 0 for no penalty.",
        )
    return float(value)
