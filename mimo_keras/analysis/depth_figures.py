"""The depths at which members predict."""

import re

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected


def depth_posterior(model):
    """Returns the members' posteriors over depths, θ (M, D).

    Args:
        model: `EnsembleModel` of method mimmo or dun.

    Returns:
        θ, an array (M, D), which sums to 1 over depths.

    Raises:
        InputError: The model has no depths.

    Example:

    ```python
    depths = mimo_keras.create_model(
        "dun", backbone="small_cnn_1", input_shape=(8, 8, 1), num_classes=10)
    theta = mimo_keras.analysis.depth_posterior(depths)
    round(float(theta.sum()), 3)                             # 1.0
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023; Antorán, Allingham
        and Hernández-Lobato, NeurIPS 2020.
    """
    import keras

    from mimo_keras.layers.protocols import HasDepthPosterior

    for layer in model.training_network.layers:
        if isinstance(layer, HasDepthPosterior):
            return np.exp(keras.ops.convert_to_numpy(layer.log_posterior()))
    raise expected(
        "a run of mimmo or dun, whose members predict at several depths",
        f"model={model.name}",
        "Choose another figure.",
    )


@style.drawn
def depth_bars(theta):
    """Plots each member's posterior over depths as bars.

    Args:
        theta: (M, D), summing to 1 over depths.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    ```python
    figure = mimo_keras.analysis.depth_bars([[0.2, 0.8], [0.5, 0.5]])
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendices C and D.
    """
    theta = np.asarray(theta, float)
    members, depths = theta.shape
    figure, (axes,) = style.new_figure(4.6, 2.9)
    places, width = np.arange(1, depths + 1), 0.8 / members
    for member, values in enumerate(theta):
        axes.bar(
            places + (member - (members - 1) / 2) * width,
            values,
            width,
            color=style.MEMBERS[member % len(style.MEMBERS)],
            label=f"Member {member}",
        )
    axes.set_xticks(places)
    axes.set(xlabel="Depth (exit)", ylabel="Posterior probability", ylim=(0, 1))
    axes.legend()
    return figure


def depth_columns(members, depths):
    """Returns the columns of metrics.csv with θ: M lists of D names.

    Args:
        members: M.
        depths: D.

    Returns:
        M lists of D names.

    Example:

    ```python
    mimo_keras.analysis.depth_columns(1, 1)  # [['theta_member_0_depth_1']]
    ```
    """
    return [
        [
            f"theta_member_{member}_depth_{depth}"
            for depth in range(1, depths + 1)
        ]
        for member in range(members)
    ]


def depth_course(rows):
    """Returns the members' posteriors over depths after each epoch.

    Args:
        rows: One dict per epoch, as of `training_curves`.

    Returns:
        Dictionary of "epochs" (T,) and "theta" (T, M, D).

    Raises:
        InputError: There are no such columns.

    Example:

    ```python
    rows = [{"epoch": 1, "theta_member_0_depth_1": 1.0}]
    mimo_keras.analysis.depth_course(rows)["theta"].shape    # (1, 1, 1)
    ```
    """
    pattern = r"theta_member_(\d+)_depth_(\d+)"
    found = [
        m for row in rows[:1] for n in row if (m := re.fullmatch(pattern, n))
    ]
    if not found:
        raise expected(
            "a metrics.csv with the posteriors over depths of mimmo or dun",
            "no such columns",
            "Choose another figure, or train again: older runs lack them.",
        )
    members = 1 + max(int(m[1]) for m in found)
    names = depth_columns(members, max(int(m[2]) for m in found))
    whole = [
        r for r in rows if all(r.get(n) is not None for n in sum(names, []))
    ]
    return {
        "epochs": np.array([row["epoch"] for row in whole]),
        "theta": np.array(
            [[[row[n] for n in own] for own in names] for row in whole]
        ),
    }


@style.drawn
def depth_course_plot(epochs, theta):
    """Plots each member's posterior over depths against the epoch.

    Args:
        epochs: (T,).
        theta: (T, M, D), summing to 1 over depths.

    Returns:
        A `matplotlib.figure.Figure` with a panel for each member.

    Example:

    ```python
    theta = [[[0.5, 0.5]], [[0.2, 0.8]]]  # T = 2, M = 1, D = 2
    figure = mimo_keras.analysis.depth_course_plot([1, 2], theta)
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix D.
    """
    theta = np.asarray(theta, float)
    members, depths = theta.shape[1:]
    figure, panels = style.new_figure(3.1 * members, 2.7, columns=members)
    for member, axes in enumerate(panels):
        for depth in range(depths):
            axes.plot(
                epochs,
                theta[:, member, depth],
                color=style.MEMBERS[depth % len(style.MEMBERS)],
                marker="o" if len(epochs) <= 30 else "",
                markersize=3.5,
                label=f"Depth {depth + 1}",
            )
        axes.set(
            xlabel="Epoch",
            ylabel="Posterior probability",
            ylim=(0, 1),
            title=f"Member {member}",
        )
    panels[0].legend()
    return figure
