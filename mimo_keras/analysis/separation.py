"""The subnetworks to which pre-activations belong (MIMO, figure 4).

Keras is imported only by the functions that read a network.
"""

import itertools

import numpy as np

from mimo_keras import keras_internals
from mimo_keras.analysis import style
from mimo_keras.analysis.shared_features import (
    input_variances,
    members_with_inputs,
)
from mimo_keras.errors import expected

_BINS = 25


def conditional_variances(model, images, draws=8, seed=0, batch_size=256):
    """Returns the conditional variance of each pre-activation by each input.

    Var(a | x_others) = E_others[Var_x(a(x, others))]: the input of one member
    runs through `images` while the others' inputs are fixed, and the variance
    is averaged over draws of the fixed inputs. A pre-activation is a channel of
    a nonlinearity's input; its variance is averaged over positions.

    Args:
        model: `EnsembleModel` of a multi-input method.
        images: (N, …), as expected by the model.
        draws: Number of times the fixed images are drawn from `images`.
        seed: Seed of these draws.
        batch_size: Number of images processed at a time.

    Returns:
        Dictionary from the nonlinearities' names, in the network's order, to
        (M, F) arrays.

    Raises:
        InputError: All members of the model see the same image, or the network
            has no nonlinearity layers.

    Example:

    ```python
    found = mimo_keras.analysis.conditional_variances(
        model, images[:8], draws=2)
    variances = next(iter(found.values()))
    len(variances)                                           # 2
    ```

    Reference:
        Havasi et al., ICLR 2021, section 3.3.
    """
    members = members_with_inputs(model)
    tapped = _pre_activations(model.network)
    draw, sums = np.random.default_rng(seed), {}
    for _ in range(draws):
        others = images[draw.integers(len(images), size=members)]
        for member in range(members):
            variances = input_variances(
                model, tapped, member, images, others, batch_size
            )
            for name, values in variances.items():
                rows = sums.setdefault(name, np.zeros((members, len(values))))
                rows[member] += values / draws
    return sums


def _pre_activations(network):
    """Returns the network up to the inputs of its nonlinearities, by name."""
    import keras

    kinds = (keras.layers.ReLU, keras.layers.Activation)
    inputs = {
        layer.name: layer.input
        for layer in network.layers
        if isinstance(layer, kinds) and keras_internals.call_count(layer) == 1
    }
    if not inputs:
        raise expected(
            "a network with nonlinearities",
            f"network={network.name} without any",
            "Use one of list_backbones().",
        )
    return keras.Model(network.input, inputs)


def variance_shares(variances):
    """Returns each input's share of the variance of all pre-activations.

    Args:
        variances: As returned by `conditional_variances`.

    Returns:
        (M, A) for A pre-activations of all layers, which sum to 1 over the
        inputs; one that no input affects is omitted.

    Example:

    ```python
    found = {"relu": np.array([[1.0, 3.0], [1.0, 1.0]])}     # M = 2, F = 2
    found = mimo_keras.analysis.variance_shares(found).round(2).tolist()
    found  # [[0.5, 0.75], [0.5, 0.25]]
    ```

    Reference:
        Havasi et al., ICLR 2021, section 3.3, figure 4.
    """
    values = np.concatenate(list(variances.values()), axis=1)
    total = values.sum(axis=0)
    return values[:, total > 0] / total[total > 0]


@style.drawn
def separation_plot(variances, title=""):
    """Plots how far pre-activations depend on a single input.

    Args:
        variances: As returned by `conditional_variances`.
        title: The figure's title, such as the method.

    Returns:
        A `matplotlib.figure.Figure`: the histogram of the inputs' shares of the
        variance, and the variances by two inputs against each other, for each
        pair of the first three members.

    Example:

    ```python
    found = {"relu": np.array([[1.0, 3.0], [1.0, 1.0]])}
    figure = mimo_keras.analysis.separation_plot(found, title="MIMO")
    ```

    Reference:
        Havasi et al., ICLR 2021, figure 4, left.
    """
    shares = variance_shares(variances)
    values = np.concatenate(list(variances.values()), axis=1)
    members = len(values)
    pairs = list(itertools.combinations(range(min(members, 3)), 2))
    rows = 1 if len(pairs) == 1 else 2
    figure, panels = style.new_figure(7.4, 3.3 * rows, rows=rows, columns=2)
    _draw_shares(panels[0], shares)
    for axes, pair in zip(panels[1:], pairs, strict=True):
        _draw_pair(axes, values, pair)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=members,
        title="Points have the color of the input that affects them most",
    )
    figure.suptitle(title)
    return figure


def _draw_shares(axes, shares):
    edges = np.linspace(0, 1, _BINS + 1)
    for member, values in enumerate(shares):
        counts, _ = np.histogram(values, edges)
        color = style.MEMBERS[member % len(style.MEMBERS)]
        label = f"Input {member}"
        axes.stairs(counts, edges, color=color, fill=True, alpha=0.2)
        axes.stairs(counts, edges, color=color, linewidth=1.6, label=label)
    equal = 1 / len(shares)
    axes.axvline(equal, color=style.GREY, linestyle="--", linewidth=1)
    axes.set(
        xlabel="Share of the conditional variance (dashed: equal)",
        ylabel="Pre-activations",
        xlim=(0, 1),
    )


def _draw_pair(axes, values, pair):
    """Plots the variances by two inputs, in the color of the larger one."""
    x, y = values[list(pair)]
    largest = values.argmax(axis=0)
    for member in range(len(values)):
        mine = largest == member
        color = style.MEMBERS[member % len(style.MEMBERS)]
        axes.plot(x[mine], y[mine], "o", ms=2.5, color=color, alpha=0.6, mew=0)
    # Variances of pre-activations have no common unit.
    axes.set(
        xlabel=f"Conditional variance by input {pair[0]}",
        ylabel=f"Conditional variance by input {pair[1]}",
        xlim=(0, None),
        ylim=(0, None),
    )
