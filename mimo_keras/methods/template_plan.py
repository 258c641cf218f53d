"""Plans of template banks: which layer gets which parameters.

Everything here is arithmetic on shapes. `mixture_ensemble.plan` makes the
shapes of a backbone, and `mixture_ensemble` builds what the plan says.
"""

import dataclasses
import math

from mimo_keras.errors import closest, expected
from mimo_keras.layers.members import MOST
from mimo_keras.methods.template_shares import (
    distinct_sets,
    round_robin,
    share_out,
    shared_blob,
)


@dataclasses.dataclass(frozen=True)
class BankOptions:
    """How parameters are shared: the options of `mixture_ensemble`.

    Args:
        num_params: See `mixture_ensemble`, like the others.
        templates_per_layer: t.
        assign: "shared", "disjoint" or "distinct".
        grouping: "by_shape" or "single".
        bank_single_layers: Whether also kernels of unique shape are composed.

    Example:

    ```python
    options = mimo_keras.methods.BankOptions(num_params=0.5, grouping="single")
    ```
    """

    num_params: int | float = 1.0
    templates_per_layer: int = 5
    assign: str = "shared"
    grouping: str = "by_shape"
    bank_single_layers: bool = False

    def __post_init__(self):
        for name, choices in {
            "assign": ("shared", "disjoint", "distinct"),
            "grouping": ("by_shape", "single"),
        }.items():
            if getattr(self, name) not in choices:
                raise expected(
                    f"{name} among {', '.join(choices)}",
                    f"{name}={getattr(self, name)!r}",
                    closest(getattr(self, name), choices),
                )
        few = 1 <= self.templates_per_layer <= MOST
        if not few or self.num_params <= 0:
            raise expected(
                f"templates_per_layer from 1 to {MOST} and num_params above 0",
                f"templates_per_layer={self.templates_per_layer}, "
                f"num_params={self.num_params}",
                "A budget is a number of parameters, or a float multiple.",
            )

    def budget(self, plain_parameters):
        """Returns the budget as a number of parameters.

        A float is a multiple of the plain network's parameters, except whole
        floats from 1000 on, such as 7e6, which are numbers of parameters.

        Args:
            plain_parameters: Trainable parameters of the plain network.
        """
        known = self.num_params
        if isinstance(known, float) and (known < 1000 or known % 1):
            return round(known * plain_parameters)
        return int(known)


@dataclasses.dataclass(frozen=True)
class PlainLayer:
    """A convolution, dense or other layer of the plain network.

    Attributes:
        name: Its name.
        kind: "conv", "dense", or "fixed" for another layer, whose weights are
            never composed.
        kernel_shape: Shape of its kernel.
        bias: Size of its bias; 0 if it has none.
    """

    name: str
    kind: str
    kernel_shape: tuple[int, ...]
    bias: int = 0

    @property
    def size(self):
        """Number of elements of the kernel."""
        return math.prod(self.kernel_shape)

    @property
    def he_stddev(self):
        """Standard deviation of he_normal for this kernel."""
        return math.sqrt(2.0 / math.prod(self.kernel_shape[:-1]))


@dataclasses.dataclass(frozen=True)
class Share:
    """What one layer takes from its group's bank.

    Attributes:
        templates: t, the number of templates that it mixes.
        offset: Position of the first one in the bank; M positions if every
            member has its own templates.
        norm: √(Σ α²) at initialization.
        mixed: Whether it has coefficients; if not, all members use the template
            directly.
    """

    templates: int
    offset: int | tuple[int, ...]
    norm: float = 1.0
    mixed: bool = True


@dataclasses.dataclass(frozen=True)
class Group:
    """Layers that share a bank.

    Attributes:
        name: Name of the bank.
        layers: The `PlainLayer`s.
        num_params: Number of parameters of the bank.
        stddev: Their standard deviation at initialization.
        shares: A `Share` for each layer; None if the group is a single plain
            layer, whose kernel has `num_params` elements.
    """

    name: str
    layers: tuple[PlainLayer, ...]
    num_params: int
    stddev: float
    shares: tuple[Share, ...] | None

    @property
    def is_plain(self):
        """Whether nothing is mixed: all its layers use one kernel."""
        return self.shares is None or not self.shares[0].mixed

    def coincide(self, layer, share):
        """Whether two members have the same templates in one of its layers."""
        of_bank = share.templates * layer.size == self.num_params
        step = layer.size if of_bank else self.num_params
        starts = {offset % step for offset in share.offset}
        return len(starts) < len(share.offset)

    @property
    def templates(self):
        """Number of templates of its first layer's size in the bank."""
        return self.num_params // self.layers[0].size


@dataclasses.dataclass(frozen=True)
class TemplatePlan:
    """A network's parameters, and the source of each layer's kernel.

    Attributes:
        groups: The `Group`s.
        budget: P, the maximum number of parameters of banks and plain layers.
        ensemble_size: M.
        plain_parameters: Trainable parameters of the plain network.
        norm_parameters: Trainable parameters of all members' batch norms.

    Example:

    ```python
    task = mimo_keras.methods.Task(
        mimo_keras.backbones.get("small_cnn_1"), input_shape=(8, 8, 1),
        outputs=10, ensemble_size=2)
    plan = mimo_keras.methods.plan_templates(
        task, mimo_keras.methods.BankOptions(grouping="single"))
    plan.total > 0                                           # True
    ```
    """

    groups: tuple[Group, ...]
    budget: int
    ensemble_size: int
    plain_parameters: int
    norm_parameters: int

    @property
    def biases(self):
        """Number of parameters of all biases, which members share."""
        return sum(
            layer.bias for group in self.groups for layer in group.layers
        )

    @property
    def shared(self):
        """Parameters of banks and plain layers, biases included: at most P."""
        return self.biases + sum(group.num_params for group in self.groups)

    @property
    def coefficients(self):
        """Number of coefficients α of one member."""
        return sum(
            share.templates
            for group in self.groups
            for share in group.shares or ()
            if share.mixed
        )

    @property
    def total(self):
        """Number of all trainable parameters of the ensemble."""
        members = self.ensemble_size * self.coefficients
        return self.shared + members + self.norm_parameters

    @property
    def coinciding(self):
        """Names of mixed layers in which two members have the same templates.

        None if all members are meant to have the same.
        """
        return tuple(
            layer.name
            for group in self.groups
            for layer, share in zip(
                group.layers, group.shares or (None,), strict=True
            )
            if share is not None
            and isinstance(share.offset, tuple)
            and group.coincide(layer, share)
        )

    def of_layer(self, name):
        """Returns the `Group` of a layer, and its `Share` or None.

        Args:
            name: The layer's name.

        Raises:
            KeyError: The network has no such layer.
        """
        for group in self.groups:
            for index, layer in enumerate(group.layers):
                if layer.name == name:
                    return group, group.shares and group.shares[index]
        raise KeyError(name)


def make_groups(layers, options):
    """Divides layers into groups.

    Args:
        layers: `PlainLayer`s, in the network's order.
        options: `BankOptions`.

    Returns:
        The lists of layers that are composed of templates, and the list of
        those that stay plain.
    """
    fixed = [layer for layer in layers if layer.kind == "fixed"]
    layers = [layer for layer in layers if layer.kind != "fixed"]
    if options.grouping == "single":
        return [layers], fixed
    by_shape = {}
    for layer in layers:
        by_shape.setdefault((layer.kind, layer.kernel_shape), []).append(layer)
    groups = list(by_shape.values())
    if options.bank_single_layers:
        return groups, fixed
    return (
        [group for group in groups if len(group) > 1],
        [group[0] for group in groups if len(group) == 1] + fixed,
    )


def smallest_budget(groups, plain, options):
    """Returns the smallest budget with which every layer has a kernel."""
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
            'Raise it, or use a narrower backbone or grouping="single".',
        )
    fixed = sum(layer.size for layer in plain)
    fixed += sum(layer.bias for layer in layers)
    turns = 0 if options.assign == "shared" else ensemble_size
    kept = [
        Group(layer.name, (layer,), layer.size, layer.he_stddev, None)
        for layer in plain
    ]
    if options.grouping == "single":
        dealt = _one_group(banked, budget - fixed, options, turns)
    else:
        biases = sum(layer.bias for layer in layers)
        dealt = _groups_by_shape(
            banked,
            [layer.size for layer in plain],
            (budget - biases, plain_parameters - biases),
            options,
            turns,
        )
    return TemplatePlan(
        (*dealt, *kept),
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
    # Any more would be parameters that no layer ever uses.
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


def _groups_by_shape(banked, plain, numbers, options, members):
    """Returns the groups of layers of one shape.

    Args:
        banked: Lists of layers.
        plain: Sizes of the kernels that stay as they are: groups of one.
        numbers: The budget and the plain network's parameters, both without
            biases.
        options: `BankOptions`.
        members: M; 0 if all members share their templates.
    """
    each = options.templates_per_layer
    turns = max(members, 1)
    sizes = [group[0].size for group in banked]
    weights = [len(g) * size for g, size in zip(banked, sizes, strict=True)]
    # Any more would be parameters that no layer ever uses.
    most = [len(group) * each * turns for group in banked]
    most += [1] * len(plain)
    counts, small = share_out(
        [*sizes, *plain], [*weights, *plain], most, *numbers
    )
    counts = counts[: len(banked)]
    groups = []
    for index, (layers, count) in enumerate(zip(banked, counts, strict=True)):
        size, mixed = sizes[index], index not in small
        templates = min(each, count)
        if options.assign == "distinct":
            places = distinct_sets(
                len(layers), turns, templates, size, count * size
            )
        else:
            places = round_robin(
                len(layers) * turns, templates, size, count * size
            )
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
