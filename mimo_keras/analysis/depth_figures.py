"""The depths at which members predict."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected


def depth_posterior(model):
    """Returns the members' posteriors over depths, θ (M, D).

    Args:
        model: `EnsembleModel` of method mimmo or dun.

    Raises:
        InputError: The model has no depths.
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
