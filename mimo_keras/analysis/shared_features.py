"""Which member uses which feature, and how far members share features.

Keras is imported only by the functions that read a network.
"""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected


def feature_norms(network):
    """Returns how much each member uses each feature, measured by weights.

    Args:
        network: Functional keras.Model of a multi-input, multi-output
            network.

    Returns:
        Dictionary of (M, F) arrays of L1 norms: "encoders", of the kernels that
        compute each feature of the first map from a member's input, if members
        have such kernels; "heads", of the weights with which each member's head
        reads a feature, if there are such heads.

    Example:

    ```python
    norms = mimo_keras.analysis.feature_norms(model.network)
    sorted(norms)  # ['encoders', 'heads']
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, section 2.
    """
    import keras

    from mimo_keras import methods
    from mimo_keras.layers import DenseMultihead

    norms = {}
    if methods.has_encoders(network):
        kernels = np.abs(methods.encoder_kernels(network))
        axes = tuple(range(1, kernels.ndim - 1))
        norms["encoders"] = kernels.sum(axis=axes)
    for layer in network.layers:
        if isinstance(layer, DenseMultihead) and layer.heads > 1:
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            by_head = kernel.reshape(-1, layer.heads, layer.units)
            norms["heads"] = np.abs(by_head).sum(axis=-1).T
    return norms


def sharing_rate(norms):
    """Returns how far members share features: the mean of min / max.

    Args:
        norms: (M, F), how much each member uses each feature, nonnegative.

    Returns:
        The mean over features of the smallest use divided by the largest; 1 if
        all members use all features equally, 0 if each has its own. Features
        that no member uses are ignored; if no others exist it is NaN.

    Example:

    ```python
    mimo_keras.analysis.sharing_rate([[1.0, 0.0], [2.0, 1.0]])  # 0.25
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, section 2.
    """
    norms = _checked(norms)
    largest = norms.max(axis=0)
    used = largest > 0
    if not used.any():
        return float("nan")
    return float(np.mean(norms.min(axis=0)[used] / largest[used]))


def feature_overlap(norms):
    """Returns the sharing rate of norms that are relative to each member's own.

    Each member's norms are divided by that member's largest first, so that
    members with larger weights do not count as using more.

    Args:
        norms: As for `sharing_rate`.

    Returns:
        The mean over features of min / max of the relative norms; NaN if a
        member uses no feature at all.

    Example:

    ```python
    mimo_keras.analysis.feature_overlap([[1.0, 0.0], [2.0, 0.0]])  # 1.0
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.1.
    """
    norms = _checked(norms)
    largest = norms.max(axis=1, keepdims=True)
    if not largest.all():
        return float("nan")
    return sharing_rate(norms / largest)


def _checked(norms):
    """Returns norms as an array; raises InputError if they are none."""
    norms = np.asarray(norms, float)
    if norms.ndim != 2 or len(norms) < 2 or (norms < 0).any():
        raise expected(
            "(M, F) norms of at least 2 members, none below 0",
            f"shape={norms.shape}",
            "Pass one array of feature_norms.",
        )
    return norms


def sharing_rates(network):
    """Returns the sharing rates of encoders and heads, if they exist.

    Args:
        network: As for `feature_norms`.

    Returns:
        Dictionary with "encoders" and "heads" where they exist; empty for a
        single member.

    Example:

    ```python
    found = sorted(mimo_keras.analysis.sharing_rates(model.network))
    found  # ['encoders', 'heads']
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, section 2.
    """
    return _by_part(sharing_rate, network)


def feature_overlaps(network):
    """Returns the feature overlaps of encoders and heads, if they exist.

    Args:
        network: As for `feature_norms`.

    Returns:
        As `sharing_rates`.

    Example:

    ```python
    found = sorted(mimo_keras.analysis.feature_overlaps(model.network))
    found  # ['encoders', 'heads']
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.1.
    """
    return _by_part(feature_overlap, network)


def _by_part(measure, network):
    return {
        name: measure(norms)
        for name, norms in feature_norms(network).items()
        if len(norms) > 1
    }


def feature_variances(model, images, fixed=None, batch_size=256):
    """Returns how much each input affects each intermediate feature.

    For each member in turn, its input runs through `images` while the others'
    inputs are one fixed image; the variance of each feature over these rows is
    averaged over the positions of its map.

    Args:
        model: `EnsembleModel` of a multi-input method on a backbone by name.
        images: (N, …), as expected by the model.
        fixed: The fixed image; None for the first of `images`.
        batch_size: Number of images processed at a time.

    Returns:
        Dictionary from the stages' names ("stem", "stage_0", …) to (M, F)
        arrays.

    Raises:
        InputError: All members of the model see the same image.

    Example:

    ```python
    found = mimo_keras.analysis.feature_variances(model, images[:8])
    len(found["stem"])                                       # 2
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, appendix D.
    """
    members = members_with_inputs(model)
    tapped = _endpoints(model.network)
    fixed = images[0] if fixed is None else fixed
    others = np.stack([fixed] * members)
    by_member = [
        input_variances(model, tapped, member, images, others, batch_size)
        for member in range(members)
    ]
    return {
        name: np.stack([f[name] for f in by_member]) for name in by_member[0]
    }


def _endpoints(network):
    """Returns the network up to its named endpoints, by name."""
    import keras

    names = [
        layer.name
        for layer in network.layers
        if layer.name == "stem" or layer.name.startswith("stage_")
    ]
    if not names:
        raise expected(
            "a backbone by name, which has stages",
            "a network without stages",
            "Use one of list_backbones().",
        )
    outputs = {name: network.get_layer(name).output for name in names}
    return keras.Model(network.input, outputs)


def members_with_inputs(model):
    """Returns M for a model whose members see images of their own.

    Raises:
        InputError: All members see the same image.
    """
    if model.sampling.members < 2:
        raise expected(
            "a method whose members see images of their own, such as mimo",
            f"model={model.name}",
            "Choose a run of such a method.",
        )
    return model.sampling.members


def input_variances(model, tapped, member, images, others, batch_size):
    """Returns how much one input affects each feature, the others fixed.

    Args:
        model: `EnsembleModel` of a multi-input method.
        tapped: keras.Model from the members' inputs to a dictionary of feature
            maps (N, …, F).
        member: The member whose input runs through `images`.
        images: (N, …), as the model takes them.
        others: (M, …), the fixed images of the other members.
        batch_size: Number of images processed at a time.

    Returns:
        Dictionary from the maps' names to the variances over `images`,
        averaged over positions, (F,).
    """
    import keras

    count, mean, squares = 0, None, None
    for start in range(0, len(images), batch_size):
        part = np.asarray(images[start : start + batch_size])
        rows = np.repeat(np.asarray(others)[np.newaxis], len(part), axis=0)
        rows[:, member] = part
        maps = tapped(model.standardize(rows), training=False)
        maps = {k: keras.ops.convert_to_numpy(v) for k, v in maps.items()}
        maps = {k: np.asarray(v, "float64") for k, v in maps.items()}
        # Chan's update of mean and squared deviations avoids large sums.
        more = {k: v.mean(axis=0) for k, v in maps.items()}
        own = {k: np.square(v - more[k]).sum(axis=0) for k, v in maps.items()}
        total = count + len(part)
        if mean is None:
            mean, squares = more, own
        else:
            for k, new in more.items():
                gap = new - mean[k]
                squares[k] += own[k] + gap**2 * count * len(part) / total
                mean[k] += gap * len(part) / total
        count = total
    return {
        k: v.reshape(-1, v.shape[-1]).mean(axis=0) / count
        for k, v in squares.items()
    }


@style.drawn
def feature_use(panels, label):
    """Plots how much each member uses each feature, overlaid.

    Args:
        panels: Dictionary from a title to an (M, F) array, such as one of
            `feature_norms` or `feature_variances`.
        label: What is plotted, with its unit.

    Returns:
        A `matplotlib.figure.Figure` with a panel per array. Features are sorted
        by how much more member 0 uses them than the others; the use common to
        all members is filled gray.

    Example:

    ```python
    norms = mimo_keras.analysis.feature_norms(model.network)
    figure = mimo_keras.analysis.feature_use(norms, "L1 norm")
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, figures 3, 5 and 6.
    """
    columns = len(panels)
    figure, axes = style.new_figure(3.6 * columns + 0.6, 3.2, columns=columns)
    for axis, (title, norms) in zip(axes, panels.items(), strict=True):
        _draw_use(axis, np.asarray(norms, float))
        axis.set(title=title, xlabel="Feature, sorted", ylabel=label)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5)
    return figure


def _draw_use(axes, norms):
    order = np.argsort(norms[1:].mean(axis=0) - norms[0], kind="stable")
    norms = norms[:, order]
    places = np.arange(norms.shape[1])
    for member, values in enumerate(norms):
        axes.step(
            places,
            values,
            where="mid",
            color=style.MEMBERS[member % len(style.MEMBERS)],
            linewidth=1.0,
            label=f"Member {member}",
        )
    axes.fill_between(
        places,
        norms.min(axis=0),
        step="mid",
        color=style.PALE,
        linewidth=0,
        label="All members",
    )
    axes.set_ylim(bottom=0)
