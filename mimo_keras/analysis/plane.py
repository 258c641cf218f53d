"""The plane through three members in weight space (MIMO, figure 3).

Keras is imported only by the functions that read a network.
"""

import numpy as np

from mimo_keras import keras_internals
from mimo_keras.analysis import style
from mimo_keras.errors import expected

MEMBERS = 3
_MARGIN = 0.35  # Fraction of the members' distance, on each side.
_MARKS = ("v", "^", "<")


def plane_landscape(model, images, labels, points=21, batch_size=256):
    """Evaluates networks on the plane through the first three members.

    A member is represented by its own weights: in a multi-input network its
    part of the first kernel and its head; if members share the input, its head
    alone. The layers in between are shared and stay fixed, so that each point
    of the plane is a complete network. The member's part of the first kernel
    reads the image; the remainder of the sum of all members' parts reads
    another image, as in training: at a member's own point this is that member,
    seeing `images` while the others see the next ones.

    Args:
        model: `EnsembleModel` of method mimo or naive_multihead.
        images: (N, …), as expected by the model.
        labels: (N,) classes.
        points: Number of grid points along each axis.
        batch_size: Number of images processed at a time.

    Returns:
        Dictionary of arrays: "x" and "y" (P,), the grid's coordinates in
        Euclidean distance, "members" (3, 2), the members' coordinates, with the
        origin's projection onto the plane at (0, 0); "accuracy" (P, P), row by
        y, column by x; "disagreement" (3, P, P), the fraction of images that
        the network at a point and a member classify differently;
        "member_accuracy" (3,) at the members' points; "ensemble_accuracy".

    Raises:
        InputError: The model lacks three members of this kind.

    Example:

    ```python
    three = mimo_keras.create_model(
        "mimo", backbone="mlp_4", input_shape=(8, 8, 1), num_classes=10,
        ensemble_size=3)
    landscape = mimo_keras.analysis.plane_landscape(
        three, images, labels, points=3)
    landscape["accuracy"].shape                              # (3, 3)
    ```

    Reference:
        Havasi et al., ICLR 2021, section 3.1, figure 3. It does not specify
        what the other inputs see.
    """
    parts = _Parts(model, images, batch_size)
    members = parts.members()
    basis, base, where = _plane(members)
    logits = [parts.logits(member) for member in members]
    classes = np.argmax(logits, axis=-1)
    x, y = (_axis(where[:, axis], points) for axis in range(2))
    accuracy = np.empty((points, points))
    disagreement = np.empty((MEMBERS, points, points))
    for (row, column), _ in np.ndenumerate(accuracy):
        weights = base + basis @ (x[column], y[row])
        predicted = parts.logits(weights).argmax(axis=-1)
        accuracy[row, column] = np.mean(predicted == labels)
        disagreement[:, row, column] = np.mean(predicted != classes, axis=1)
    ensemble = np.mean([_softmax(z) for z in logits], axis=0).argmax(axis=-1)
    return {
        "x": x,
        "y": y,
        "members": where,
        "accuracy": accuracy,
        "disagreement": disagreement,
        "member_accuracy": np.mean(classes == labels, axis=1),
        "ensemble_accuracy": np.mean(ensemble == labels),
    }


def _plane(members):
    """Returns the plane of three weight vectors (3, P).

    Returns:
        An orthonormal basis (P, 2), the point of the plane nearest to the
        origin (P,), and the members' coordinates from there (3, 2).
    """
    first, *others = members
    basis, _ = np.linalg.qr(np.stack(others, 1) - first[:, np.newaxis])
    where = members @ basis
    return basis, first - basis @ where[0], where


def _axis(values, points):
    """Returns coordinates that span the members' and the origin's, 0."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    margin = _MARGIN * max(high - low, 1e-3)
    return np.linspace(low - margin, high + margin, points)


def _softmax(logits):
    values = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)


class _Parts:
    """A network that runs with arbitrary weights of one member.

    Attributes:
        stems: (M, S), each member's part of the first kernel; None if they
            share the input.
    """

    def __init__(self, model, images, batch_size):
        import keras

        from mimo_keras import methods

        heads = _heads(model)
        network, _ = methods.single_image(model.network, multi_input=False)
        self.stem = methods.encoder_layer(network)
        self.stems, self.batch_size = None, batch_size
        x = model.standardize(model.joined(images))
        if self.stem is not None:
            kernels = methods.encoder_kernels(network)
            self.kernel_shape = kernels.shape
            self.stems = kernels.reshape(len(kernels), -1)
            # The second input is the others'; zero kernels read the rest.
            x = keras.ops.convert_to_numpy(x)
            seen = [x, *[np.roll(x, 1, axis=0)] * (len(kernels) - 1)]
            x = np.stack(seen, axis=1)
        self.x = keras.ops.convert_to_numpy(x)
        weights = heads.get_weights()
        self.heads = [
            np.stack(np.split(weight, heads.heads, axis=-1))
            for weight in weights
        ]
        trunk = network.get_layer(heads.name).input
        self.trunk = keras.Model(network.input, trunk)
        self.features = None if self.stems is not None else self._features()

    def members(self):
        """Returns the weights of the first three members, (3, P)."""
        own = [weight.reshape(len(weight), -1) for weight in self.heads]
        if self.stems is not None:
            own = [self.stems, *own]
        return np.concatenate(own, axis=1)[:MEMBERS].astype("float64")

    def logits(self, weights):
        """Returns the logits (N, K) of the member with these weights (P,)."""
        features = self.features
        if features is None:
            stem, weights = np.split(weights, [self.stems.shape[1]])
            self._assign(stem)
            features = self._features()
        kernel, *bias = (weight[0] for weight in self.heads)
        logits = features @ weights[: kernel.size].reshape(kernel.shape)
        return logits + weights[kernel.size :] if bias else logits

    def _assign(self, stem):
        kernel = np.zeros(self.stems.shape)
        kernel[0], kernel[1] = stem, self.stems.sum(axis=0) - stem
        # Input channels are member-major at each position, as in folding.
        by_place = np.moveaxis(kernel.reshape(self.kernel_shape), 0, 1)
        self.stem.kernel.assign(by_place.reshape(self.stem.kernel.shape))

    def _features(self):
        parts = [
            self.trunk.predict_on_batch(self.x[start : start + self.batch_size])
            for start in range(0, len(self.x), self.batch_size)
        ]
        return np.concatenate(parts).astype("float64")


def _heads(model):
    """Returns the layer of the members' heads."""
    from mimo_keras.layers import ConcatenateMembers, DenseMultihead

    network = model.network
    last = keras_internals.maker(network.output)
    fits = isinstance(last, DenseMultihead) and len(last.input.shape) == 2
    if model.sampling.members:
        fits = fits and any(
            isinstance(layer, ConcatenateMembers) for layer in network.layers
        )
    if not fits or last.heads < MEMBERS:
        raise expected(
            "a run of mimo or naive_multihead with at least 3 members",
            f"method={model.name}, members={network.output_shape[1]}",
            "Choose another run or figure.",
        )
    return last


@style.drawn
def plane_maps(landscape, title=""):
    """Plots the output of `plane_landscape` as maps of the plane.

    Args:
        landscape: The dictionary that it returns.
        title: The figure's title, such as the method.

    Returns:
        A `matplotlib.figure.Figure`: the accuracy and the disagreement with
        each member.

    Example:

    ```python
    landscape = {"x": np.arange(3), "y": np.arange(3), "members": np.eye(3, 2)}
    landscape |= {"accuracy": np.eye(3), "disagreement": np.ones((3, 3, 3)) / 2}
    landscape |= {"member_accuracy": [0.9] * 3, "ensemble_accuracy": 0.95}
    figure = mimo_keras.analysis.plane_maps(landscape, title="MIMO")
    ```

    Reference:
        Havasi et al., ICLR 2021, figure 3.
    """
    figure, panels = style.new_figure(
        7.6, 6.6, rows=2, columns=2, sharex=True, sharey=True
    )
    accuracy = np.asarray(landscape["accuracy"])
    heading = f"Accuracy ({accuracy.min():.3f} to {accuracy.max():.3f})"
    mesh = _draw_map(panels[0], landscape, accuracy, heading, "viridis")
    figure.colorbar(mesh, ax=panels[0], label="Fraction right", shrink=0.85)
    for member, values in enumerate(landscape["disagreement"]):
        axes, heading = panels[1 + member], f"Disagreement with member {member}"
        mesh = _draw_map(axes, landscape, values, heading, "Blues", power=0.5)
        label = "Fraction (square-root scale)"
        figure.colorbar(mesh, ax=axes, label=label, shrink=0.85)
    for axes in panels[2:]:
        axes.set_xlabel("Weight space direction 1 (L2 distance)")
    for axes in panels[::2]:
        axes.set_ylabel("Weight space direction 2 (L2 distance)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    alone = ", ".join(f"{a:.3f}" for a in landscape["member_accuracy"])
    ensemble = float(landscape["ensemble_accuracy"])
    figure.suptitle(f"{title}: members {alone}; ensemble {ensemble:.3f}")
    return figure


def _draw_map(axes, landscape, values, title, colors, power=1.0):
    from matplotlib.colors import PowerNorm

    # From 0 to 1 in every figure, so that methods can be compared; on a linear
    # scale, members that differ little would look the same.
    norm = PowerNorm(power, vmin=0.0, vmax=1.0)
    mesh = axes.pcolormesh(
        landscape["x"], landscape["y"], values, cmap=colors, norm=norm
    )
    edge = {"color": "white", "markeredgecolor": style.INK, "linestyle": ""}
    axes.plot(0, 0, "X", ms=7, label="Origin (projected)", **edge)
    for member, (x, y) in enumerate(landscape["members"]):
        label = f"Member {member}"
        axes.plot(x, y, _MARKS[member], ms=8, label=label, **edge)
    axes.set_title(title)
    axes.grid(False)
    # A square, so that a narrow map leaves its title and labels room.
    x, y = landscape["x"], landscape["y"]
    half = max(np.ptp(x), np.ptp(y)) * (1 + 1 / len(x)) / 2
    axes.set_xlim(np.mean(x) - half, np.mean(x) + half)
    axes.set_ylim(np.mean(y) - half, np.mean(y) + half)
    axes.set_aspect("equal")
    # Equal sides change the room for ticks after the layout, which has then
    # left too little for their labels: their number is fixed.
    axes.locator_params(nbins=6)
    return mesh
