"""Plans of template banks: who gets which parameters, before any exist.

Everything here is arithmetic on shapes. `mixture_ensemble.plan` makes the
shapes of a backbone, and `mixture_ensemble` builds what the plan says.
"""

import dataclasses
import math

from mimo_keras.errors import expected
from mimo_keras.methods.template_shares import (
    round_robin,
    share_out,
    shared_blob,
)


@dataclasses.dataclass(frozen=True)
class BankOptions:
    """How parameters are shared: see `mixture_ensemble`, whose they are."""

    num_params: int | float = 1.0
    templates_per_layer: int = 5
    assign: str = "shared"
    grouping: str = "by_shape"
    bank_single_layers: bool = False

    def __post_init__(self):
        for name, choices in {
            "assign": ("shared", "disjoint"),
            "grouping": ("by_shape", "single"),
        }.items():
            if getattr(self, name) not in choices:
                raise expected(
                    f"{name} among {', '.join(choices)}",
                    f"{name}={getattr(self, name)!r}",
                    "Choose one of these.",
                )
        if self.templates_per_layer < 1 or self.num_params <= 0:
            raise expected(
                "templates_per_layer of at least 1 and num_params above 0",
                f"templates_per_layer={self.templates_per_layer}, "
                f"num_params={self.num_params}",
                "A budget is a number of parameters, or a multiple as a float.",
            )

    def budget(self, plain_parameters):
        """Returns the budget as a number of parameters.

        A float is a multiple of the plain network, but one from 1000 that is
        whole is a number of parameters, so that 7e6 is.
        """
        known = self.num_params
        if isinstance(known, float) and (known < 1000 or known % 1):
            return round(known * plain_parameters)
        return int(known)


@dataclasses.dataclass(frozen=True)
class PlainLayer:
    """A convolution or dense layer as the plain network has it.

    Attributes:
        name: Its name.
        kind: "conv" or "dense".
        kernel_shape: Shape of its kernel.
        bias: Numbers of its bias; 0 if it has none.
    """

    name: str
    kind: str
    kernel_shape: tuple[int, ...]
    bias: int = 0

    @property
    def size(self):
        """Numbers of the kernel."""
        return math.prod(self.kernel_shape)

    @property
    def he_stddev(self):
        """Standard deviation of he_normal for the kernel."""
        return math.sqrt(2.0 / math.prod(self.kernel_shape[:-1]))


@dataclasses.dataclass(frozen=True)
class Share:
    """What one layer takes from its group's bank.

    Attributes:
        templates: t, how many templates it mixes.
        offset: Where in the bank the first starts; M of them if every member
            has templates of its own.
        norm: √(Σ α²) at the start.
        mixed: Whether it has coefficients; without, it uses the template as
            it is, for all members.
    """

    templates: int
    offset: int | tuple[int, ...]
    norm: float = 1.0
    mixed: bool = True


@dataclasses.dataclass(frozen=True)
class Group:
    """Layers that share a bank.

    Attributes:
        name: Of the bank.
        layers: The `PlainLayer`s.
        num_params: Numbers of the bank.
        stddev: Their standard deviation at the start.
        shares: A `Share` for each layer; None if the group is one layer that
            stays as it is, with `num_params` numbers in its kernel.
    """

    name: str
    layers: tuple[PlainLayer, ...]
    num_params: int
    stddev: float
    shares: tuple[Share, ...] | None

    @property
    def is_plain(self):
        """Whether nothing is mixed: one kernel for all its layers."""
        return self.shares is None or not self.shares[0].mixed

    @property
    def templates(self):
        """How many templates of its first layer's size the bank holds."""
        return self.num_params // self.layers[0].size


@dataclasses.dataclass(frozen=True)
class TemplatePlan:
    """A network's parameters, and where each layer gets its own.

    Attributes:
        groups: The `Group`s.
        budget: P, the most that banks and plain layers may hold.
        ensemble_size: M.
        plain_parameters: Trainable parameters of the plain network.
        norm_parameters: Those of all members' batch norms.
    """

    groups: tuple[Group, ...]
    budget: int
    ensemble_size: int
    plain_parameters: int
    norm_parameters: int

    @property
    def biases(self):
        """Numbers of all biases, which members share."""
        return sum(
            layer.bias for group in self.groups for layer in group.layers
        )

    @property
    def shared(self):
        """Numbers of banks and plain layers, biases included: at most P."""
        return self.biases + sum(group.num_params for group in self.groups)

    @property
    def coefficients(self):
        """α of one member."""
        return sum(
            share.templates
            for group in self.groups
            for share in group.shares or ()
            if share.mixed
        )

    @property
    def total(self):
        """All trainable parameters of the ensemble."""
        members = self.ensemble_size * self.coefficients
        return self.shared + members + self.norm_parameters

    def of_layer(self, name):
        """Returns the `Group` of a layer, and its `Share` or None."""
        for group in self.groups:
            for index, layer in enumerate(group.layers):
                if layer.name == name:
                    return group, group.shares and group.shares[index]
        raise KeyError(name)


def make_groups(layers, options):
    """Sorts layers into groups.

    Args:
        layers: `PlainLayer`s, in the network's order.
        options: `BankOptions`.

    Returns:
        The lists of layers that are made of templates, and the list of those
        that stay plain.
    """
    if options.grouping == "single":
        return [list(layers)], []
    found = {}
    for layer in layers:
        found.setdefault((layer.kind, layer.kernel_shape), []).append(layer)
    groups = list(found.values())
    if options.bank_single_layers:
        return groups, []
    return (
        [group for group in groups if len(group) > 1],
        [group[0] for group in groups if len(group) == 1],
    )


def smallest_budget(groups, plain, options):
    """Returns the least numbers with which every layer has a kernel."""
    fixed = sum(layer.size for layer in plain)
    fixed += sum(layer.bias for group in (*groups, plain) for layer in group)
    if options.grouping == "single":
        return fixed + max(layer.size for layer in groups[0])
    return fixed + sum(group[0].size for group in groups)


def make_plan(layers, norms, ensemble_size, options):
    """Plans the banks of a network.

    Args:
        layers: `PlainLayer`s, in the network's order.
        norms: Trainable parameters of the plain network's batch norms.
        ensemble_size: M.
        options: `BankOptions`.

    Returns:
        `TemplatePlan`.

    Raises:
        InputError: The budget is too small.
    """
    plain_parameters = norms + sum(layer.size + layer.bias for layer in layers)
    budget = options.budget(plain_parameters)
    banked, plain = make_groups(layers, options)
    least = smallest_budget(banked, plain, options)
    if budget < least:
        raise expected(
            f"num_params of at least {least} for this network and grouping",
            f"num_params={options.num_params}, that is {budget} parameters",
            'Raise it, take a narrower backbone, or grouping="single".',
        )
    fixed = sum(layer.size for layer in plain)
    fixed += sum(layer.bias for layer in layers)
    deal = _one_group if options.grouping == "single" else _groups_by_shape
    turns = ensemble_size if options.assign == "disjoint" else 0
    kept = [
        Group(layer.name, (layer,), layer.size, layer.he_stddev, None)
        for layer in plain
    ]
    return TemplatePlan(
        (*deal(banked, budget - fixed, options, turns), *kept),
        budget,
        ensemble_size,
        plain_parameters,
        ensemble_size * norms,
    )


def _one_group(banked, numbers, options, members):
    (layers,) = banked
    each = options.templates_per_layer
    stddev = max(layers, key=lambda layer: layer.size).he_stddev
    turns = max(members, 1)
    # More than these would be parameters that no layer ever uses.
    used = turns * each * sum(layer.size for layer in layers)
    numbers = min(numbers, used)
    repeated = [layer for layer in layers for _ in range(turns)]
    dealt = shared_blob([layer.size for layer in repeated], each, numbers)
    shares = []
    for index, layer in enumerate(layers):
        mine = dealt[index * turns : (index + 1) * turns]
        places = tuple(place for _, place in mine)
        offset = places if members else places[0]
        norm = layer.he_stddev / stddev
        shares.append(Share(mine[0][0], offset, norm))
    return [Group("bank", tuple(layers), numbers, stddev, tuple(shares))]


def _groups_by_shape(banked, numbers, options, members):
    each = options.templates_per_layer
    turns = max(members, 1)
    sizes = [group[0].size for group in banked]
    weights = [len(g) * size for g, size in zip(banked, sizes, strict=True)]
    # More than these would be parameters that no layer ever uses.
    most = [len(group) * each * turns for group in banked]
    counts, small = share_out(sizes, weights, most, numbers)
    groups = []
    for index, (layers, count) in enumerate(zip(banked, counts, strict=True)):
        size, mixed = sizes[index], index not in small
        templates = min(each, count)
        places = round_robin(len(layers) * turns, templates, size, count * size)
        shares = tuple(
            Share(
                templates,
                tuple(places[layer * turns : (layer + 1) * turns])
                if members and mixed
                else places[layer * turns],
                mixed=mixed,
            )
            for layer in range(len(layers))
        )
        shape = "x".join(map(str, layers[0].kernel_shape))
        name = f"bank_{layers[0].kind}_{shape}"
        groups.append(
            Group(
                name, tuple(layers), count * size, layers[0].he_stddev, shares
            )
        )
    return groups
