"""The straight line between two members (MixtureEnsembles, figure 4).

Keras is imported only by the functions that read a network.
"""

import itertools

import numpy as np

from mimo_keras.analysis import style
from mimo_keras.errors import expected

_COLORS = (*style.MEMBERS, style.INK, style.GREY)
_MOST_LINES = len(_COLORS)


def line_accuracy(first, second, images, labels, points=21, batch_size=256):
    """Returns the accuracy along the line between two networks' weights.

    The network at t has the weights (1 − t) a + t b. Batch norms use the
    statistics of the images they see, as in training, since moving averages are
    meaningless between two networks.

    Args:
        first: keras.Model of the network at t = 0, from (N, …) to (N, 1, K).
        second: The network at t = 1, with the same layers.
        images: (N, …), as expected by the networks.
        labels: (N,) classes.
        points: Number of points on the line, including its ends.
        batch_size: Approximate number of images processed at a time, in batches
            of nearly equal size.

    Returns:
        (P,) accuracies.

    Raises:
        InputError: The networks differ in structure.

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, section 5.3.
    """
    import keras

    ends = first.get_weights(), second.get_weights()
    shapes = [[w.shape for w in weights] for weights in ends]
    if shapes[0] != shapes[1]:
        raise expected(
            "two networks with the same layers",
            f"{len(ends[0])} and {len(ends[1])} weights of other shapes",
            "Use two members of one ensemble.",
        )
    between = keras.models.clone_model(first)
    predict = _as_in_training(between).predict_on_batch
    count = -(-len(images) // batch_size)
    parts = np.array_split(np.arange(len(images)), count)
    accuracies = []
    for t in np.linspace(0, 1, points):
        mixed = [(1 - t) * a + t * b for a, b in zip(*ends, strict=True)]
        between.set_weights(mixed)
        right = [
            predict(images[part])[:, 0].argmax(axis=-1) == labels[part]
            for part in parts
        ]
        accuracies.append(np.mean(np.concatenate(right)))
    return np.array(accuracies)


def _as_in_training(network):
    """Returns a model that always runs its network in training mode."""
    import keras

    class AsInTraining(keras.Model):
        def __init__(self):
            super().__init__()
            self.network = network

        def call(self, x):
            return self.network(x, training=True)

    return AsInTraining()


def member_lines(model, images, labels, points=21, batch_size=256):
    """Returns the accuracies on the lines between pairs of members.

    Args:
        model: `EnsembleModel` whose members are separate networks.
        images: (N, …), as expected by the model.
        labels: (N,) classes.
        points: As for `line_accuracy`.
        batch_size: As for `line_accuracy`.

    Returns:
        Dictionary of arrays: "t" (P,), "pairs" (L, 2), the first pairs of
        members, at most 6, and "accuracy" (L, P).

    Raises:
        InputError: There are fewer than two members, or they cannot be
            extracted; see `methods.one_member`.

    Example:

    ```python
    ensemble = mimo_keras.create_model(
        "deep_ensemble", backbone="mlp_4", input_shape=(8, 8, 1),
        num_classes=10, ensemble_size=2)
    lines = mimo_keras.analysis.member_lines(ensemble, images, labels, points=3)
    lines["accuracy"].shape                                  # (1, 3)
    ```

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, section 5.3.
    """
    import keras

    members = model.network.output_shape[1]
    if members < 2:
        raise expected(
            "at least two members",
            f"method={model.name}, members={members}",
            "Choose another run or figure.",
        )
    pairs = list(itertools.combinations(range(members), 2))[:_MOST_LINES]
    wanted = sorted(set(itertools.chain(*pairs)))
    networks = {m: model.member(m).network for m in wanted}
    x = model.standardize(model.joined(images))
    x = keras.ops.convert_to_numpy(x)
    accuracy = [
        line_accuracy(networks[a], networks[b], x, labels, points, batch_size)
        for a, b in pairs
    ]
    return {
        "t": np.linspace(0, 1, points),
        "pairs": np.array(pairs),
        "accuracy": np.stack(accuracy),
    }


@style.drawn
def line_plot(lines, title=""):
    """Plots the output of `member_lines`.

    Args:
        lines: The dictionary that it returns.
        title: The figure's title, such as the method.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    ```python
    lines = {"t": [0, 1], "pairs": [(0, 1)], "accuracy": [[0.9, 0.8]]}
    figure = mimo_keras.analysis.line_plot(lines, title="MIMO")
    ```

    Reference:
        Teterwak et al., MixtureEnsembles, 2021, figure 4.
    """
    figure, (axes,) = style.new_figure(4.8, 3.2)
    dashes = ("-", "--", "-.", ":")
    for index, (pair, values) in enumerate(
        zip(lines["pairs"], lines["accuracy"], strict=True)
    ):
        axes.plot(
            lines["t"],
            values,
            color=_COLORS[index % len(_COLORS)],
            linestyle=dashes[index % len(dashes)],
            label=f"Members {pair[0]} and {pair[1]}",
        )
    axes.set(
        xlabel="Interpolation point t (0: one member, 1: the other)",
        ylabel="Test accuracy (fraction)",
        xlim=(0, 1),
        title=title,
    )
    axes.legend()
    return figure
