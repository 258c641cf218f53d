"""Trajectories of members in function space (MIMO, figure 4)."""

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected

_PERPLEXITY = 30


def function_space(probabilities, seed=0):
    """Returns the t-SNE map of the members' predictions over training.

    A member's predictions on all images at one time are one point; nearby
    points are functions that predict alike.

    Args:
        probabilities: (T, N, M, K), at T times for N images.
        seed: Seed of t-SNE.

    Returns:
        (M, T, 2); the map's axes have no unit.

    Raises:
        InputError: There are fewer than 2 times.

    Example:

    ```python
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=(4, 5, 1))  # T, N, M
    places = mimo_keras.analysis.function_space(probabilities)
    places.shape                                             # (1, 4, 2)
    ```

    Reference:
        Havasi et al., ICLR 2021, section 3.2; van der Maaten and Hinton,
        Visualizing data using t-SNE, JMLR 2008.
    """
    import sklearn.manifold

    times, images, members, classes = np.shape(probabilities)
    if times < 2:
        raise expected(
            "predictions of at least 2 epochs",
            f"epochs={times}",
            "Train with a smaller trajectory_interval.",
        )
    by_member = np.moveaxis(np.asarray(probabilities, "float32"), 2, 0)
    rows = by_member.reshape(members * times, images * classes)
    # t-SNE needs more points than neighbors; a third of them is usual.
    perplexity = min(_PERPLEXITY, max((len(rows) - 1) / 3, 1.0))
    tsne = sklearn.manifold.TSNE(
        perplexity=perplexity, init="pca", random_state=seed
    )
    return tsne.fit_transform(rows).reshape(members, times, 2)


@style.drawn
def trajectory_plot(places, epochs, title=""):
    """Plots each member's trajectory on the map of `function_space`.

    Args:
        places: (M, T, 2).
        epochs: (T,) epochs, of which the first and last are labeled.
        title: The figure's title, such as the method.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    ```python
    places = np.random.default_rng(0).normal(size=(2, 4, 2))
    figure = mimo_keras.analysis.trajectory_plot(places, epochs=[1, 2, 3, 4])
    ```

    Reference:
        Havasi et al., ICLR 2021, figure 4, middle right.
    """
    figure, (axes,) = style.new_figure(4.6, 3.9)
    for member, way in enumerate(np.asarray(places)):
        color = style.MEMBERS[member % len(style.MEMBERS)]
        x, y = way.T
        label = f"Member {member}"
        axes.plot(x, y, "o-", color=color, linewidth=0.8, ms=3, label=label)
        axes.plot(*way[0], "o", color="white", markeredgecolor=color, ms=8)
        axes.plot(*way[-1], "*", color=color, markeredgecolor="white", ms=15)
    grey = {"color": "white", "markeredgecolor": style.GREY, "linestyle": ""}
    axes.plot([], [], "o", ms=8, label=f"Epoch {epochs[0]}", **grey)
    axes.plot([], [], "*", ms=13, label=f"Epoch {epochs[-1]}", **grey)
    axes.set(
        xlabel="t-SNE dimension 1 (no unit)",
        ylabel="t-SNE dimension 2 (no unit)",
        title=title,
    )
    axes.set_xticks([])
    axes.set_yticks([])
    figure.legend(loc="outside lower center", ncols=3)
    return figure
