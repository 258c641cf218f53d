"""Gives a method's network the weights of a trained one."""

import math

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.layers import (
    ConcatenateMembers,
    DenseMultihead,
    MemberConv2D,
    MemberDense,
    TemplateBank,
    TemplateConv2D,
    TemplateDense,
)
from mimo_keras.methods.template_fit import fit

_ENCODERS = (MemberConv2D, MemberDense)
_COMPOSED = (TemplateConv2D, TemplateDense)
_LINEAR = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Dense,
)
# For axes of unknown size, where a start is tried out.
_SIDE = 32
_TOLERANCE = 0.02  # bfloat16 has 8 bits.
# What heads and first kernels of members' own do not have.
_NOT_KEPT = (
    *("bias_regularizer", "activity_regularizer"),
    *("kernel_constraint", "bias_constraint"),
)
_PREPROCESSING = (keras.layers.Normalization, keras.layers.Rescaling)


def warm_start(network, trained, members, noise=0.0, seed=None):
    """Moves a method's network to where a trained one stands.

    Kernels that read the inputs of all members become W ∘ u_m / M with vectors
    u_m, one number for each output channel, whose mean over members is 1: where
    all members see one image, their sum is W. All heads are copies of the
    trained head.

    Args:
        network: The method's functional keras.Model, built from
            `trained.backbone()`.
        trained: `trained.Trained`.
        members: M.
        noise: Standard deviation of what makes the members differ, relative to
            what it is added to: u_m, fast weights and mixture coefficients have
            it around their value, other kernels of a member's own as a multiple
            of the kernel's standard deviation.
        seed: Integer seed of the noise; None for a random one.

    Returns:
        How far composed kernels are from the trained ones: the root of the
        ratio of the sums of squares, 0 where all are exact.

    Raises:
        InputError: A layer's weights cannot be divided among members.

    Example:

    ```python
    ensemble = mimo_keras.from_network(
        network, "mimo", ensemble_size=2, num_classes=10)    # calls it
    ```
    """
    draw = _Noise(noise, np.random.default_rng(seed))
    sources = {layer.name: layer for layer in trained.trunk.layers}
    for layer in keras_internals.layers_within(network):
        if layer.name in sources:
            _start(layer, sources[layer.name], trained, members, draw)
        elif trained.head is not None and layer.name in ("head", "heads"):
            _start_head(network, layer, trained, members, draw)
    missing = _fill_banks(network, trained, draw)
    if any(isinstance(x, ConcatenateMembers) for x in network.layers):
        _check_start(network, trained, members)
    if noise:
        _part(network, members, draw)
    return missing


class _Noise:
    """Draws normal numbers of one standard deviation, which may be 0."""

    def __init__(self, stddev, rng):
        self.stddev, self.rng = stddev, rng

    def around(self, value, scale=1.0):
        """Returns value + stddev · scale · z."""
        z = self.rng.standard_normal(value.shape)
        return value + self.stddev * scale * z

    def shares(self, members, size):
        """Returns u, (M, size), with a mean over members of exactly 1."""
        u = self.around(np.ones((members, size)))
        return u - u.mean(axis=0) + 1.0


def _start(layer, source, trained, members, draw):
    """Sets the weights of one layer that are not those of its source."""
    if isinstance(layer, _COMPOSED):
        if layer.bias is not None:
            layer.bias.assign(source.bias)
    elif isinstance(layer, _ENCODERS):
        kernel, *bias = source.get_weights()
        u = draw.shares(members, kernel.shape[-1]) / members
        u = u.reshape(members, *[1] * (kernel.ndim - 1), -1)
        equal = [np.repeat(b[None] / members, members, axis=0) for b in bias]
        layer.set_weights([kernel * u, *equal])
        layer.trainable = source.trainable
        _regularize(layer, source)
    elif factors := _factors(layer):
        for factor in factors:
            factor.assign(np.ones(factor.shape))
    elif not isinstance(layer, _PREPROCESSING):
        old, new = source.get_weights(), layer.get_weights()
        if type(layer) is type(source) and _shapes(layer) != _shapes(source):
            channels = _channels(source, trained)
            layer.set_weights(_widened(source, old, new, channels, draw))


def _channels(source, trained):
    """Returns how many successive inputs of a layer are those of one member.

    All that it reads at a position; in a flattened image, those of a pixel.
    """
    if type(source) is keras.layers.Dense and len(source.input.shape) == 2:
        return trained.input_shape[-1]
    # Attention reads several inputs, here all of them the same.
    return keras.tree.flatten(source.input)[0].shape[-1]


def _factors(layer):
    """Returns a layer's fast weights, or the means of their posteriors."""
    found = []
    for name in ("alpha", "gamma") if hasattr(layer, "ensemble_bias") else ():
        weight = getattr(layer, name)
        if not isinstance(weight, keras.Variable):
            weight = getattr(layer, f"{name}_initializer").mean
        found.append(weight)
    return found


def _widened(source, old, new, channels, draw):
    """Returns the weights of a layer that reads the channels of all members."""
    kernel, *rest = old
    linear = type(source) in _LINEAR and getattr(source, "groups", 1) == 1
    members, left = divmod(new[0].size, kernel.size)
    linear = linear and not left and kernel.shape[-2] % channels == 0
    if linear and [x.shape for x in rest] == [x.shape for x in new[1:]]:
        return [_spread(kernel, members, channels, draw), *rest]
    widened = [_repeated(x, y.shape) for x, y in zip(old, new, strict=True)]
    if any(x is None for x in widened):
        raise expected(
            "a network whose first layers read the channels of several images",
            f"layer {source.name} of type {type(source).__name__}",
            "Let the network start with a convolution or dense layer, or use "
            "another method, such as batch_ensemble.",
        )
    return widened


def _spread(kernel, members, channels, draw):
    """Returns the kernel (…, P·M·C, F) of the members, from one of (…, P·C, F).

    Input channels are member-major at each position, as in folding.
    """
    *space, inputs, outputs = kernel.shape
    parts = kernel.reshape(-1, 1, channels, outputs)
    u = draw.shares(members, outputs)[None, :, None] / members
    return (parts * u).reshape(*space, inputs * members, outputs)


def _repeated(weight, shape):
    """Returns a weight once for each member along one axis, or None."""
    times = [
        y // x if x else 0 for x, y in zip(weight.shape, shape, strict=False)
    ]
    widened = np.tile(weight, times)
    return widened if widened.shape == tuple(shape) else None


def _start_head(network, layer, trained, members, draw):
    """Makes each head a copy of the trained one, if the widths agree."""
    head = trained.head
    weights = trained.head_weights(layer.units)
    if weights is None:
        return
    kernel, bias = weights
    if _inputs(layer) not in (None, kernel.shape[0]):
        # The features are the inputs themselves, of all members.
        channels = trained.input_shape[-1]
        if _inputs(layer) != members * kernel.shape[0]:
            raise _meet(network, trained)
        kernel = _spread(kernel, members, channels, draw)
    if not isinstance(layer, _COMPOSED):
        layer.kernel.assign(np.tile(kernel, (1, getattr(layer, "heads", 1))))
    for name in ("bias", "ensemble_bias"):
        weight = getattr(layer, name, None)
        if weight is not None:
            copies = math.prod(weight.shape) // bias.size
            weight.assign(np.tile(bias, copies).reshape(weight.shape))
    for factor in _factors(layer):
        factor.assign(np.ones(factor.shape))
    layer.trainable = head.trainable
    _regularize(layer, head)


def _inputs(layer):
    kernel = getattr(layer, "kernel", None)
    return None if kernel is None else kernel.shape[0]


def _regularize(layer, source):
    """Gives a layer for members the regularizer of the one it replaces."""
    for name in _NOT_KEPT:
        if getattr(source, name, None) is not None:
            raise expected(
                "only kernel_regularizer where each member has its own layer",
                f"layer {source.name} with {name}",
                f"Set layer.{name} = None.",
            )
    layer.kernel_regularizer = source.kernel_regularizer
    if not isinstance(layer, _COMPOSED):
        layer.kernel.regularizer = source.kernel_regularizer


def _part(network, members, draw):
    """Moves what is a member's own, so that members differ."""
    layers = keras_internals.layers_within(network)
    own = [
        layer
        for model in layers
        if isinstance(model, keras.Model) and model.name.startswith("member")
        for layer in keras_internals.layers_within(model)
    ]
    if not own:
        own = [
            layer
            for layer in layers
            if members == 1 or isinstance(layer, DenseMultihead)
        ]
    for layer in layers:
        for factor in _factors(layer):
            factor.assign(draw.around(np.ones(factor.shape)))
    for layer in own:
        if _factors(layer):
            continue
        for weight in keras_internals.own_trainable_variables(layer):
            if len(weight.shape) > 1:
                value = keras.ops.convert_to_numpy(weight)
                weight.assign(draw.around(value, value.std()))


def _fill_banks(network, trained, draw):
    """Fits all banks of templates; returns how much is missing."""
    missing = whole = 0.0
    for bank in network.layers:
        if isinstance(bank, TemplateBank):
            some, of_all = _fill(bank, trained, draw)
            missing, whole = missing + some, whole + of_all
    return math.sqrt(missing / whole) if whole else 0.0


def _fill(bank, trained, draw):
    """Fits one bank; returns the squares that are missing, and all."""
    layers, kernels, rows = [], [], []
    for layer in keras_internals.readers(bank):
        kernel = _kernel_of(layer, trained)
        if kernel is not None:
            layers.append(layer)
            kernels.append(kernel.ravel())
    if not layers:
        return 0.0, 0.0
    size = kernels[0].size
    count = bank.num_params // size
    for index, layer in enumerate(layers):
        offsets = layer.offset
        if not isinstance(offsets, tuple):
            offsets = (offsets,) * layer.ensemble_size
        for offset in offsets:
            first = offset // size
            window = [(first + i) % count for i in range(layer.templates)]
            rows.append((index, window))
    if not any(layer.trainable for layer in layers):
        bank.trainable = False
    mixed = layers[0].coefficients is not None
    templates, found, missing = fit(kernels, rows, count, mixed)
    bank.templates.assign(templates.reshape(1, -1))
    for index, layer in enumerate(layers if mixed else ()):
        members = layer.ensemble_size
        mine = found[index * members : (index + 1) * members]
        scale = np.sqrt(np.mean(mine**2, axis=1, keepdims=True))
        layer.coefficients.assign(draw.around(mine, scale))
    return missing, sum(np.sum(kernels[i] ** 2) for i, _ in rows)


def _kernel_of(layer, trained):
    """Returns the trained kernel of a composed layer; None for a new head."""
    if layer.name == "heads":
        weights = trained.head_weights(layer.units)
        return None if weights is None else weights[0]
    return trained.trunk.get_layer(layer.name).get_weights()[0]


def widened(network, trained):
    """Returns the layers that read the inputs of all members at once."""
    sources = {layer.name: layer for layer in trained.trunk.layers}
    return [
        layer
        for layer in keras_internals.layers_within(network)
        if type(layer) is type(sources.get(layer.name))
        and not isinstance(layer, _PREPROCESSING)
        and _shapes(layer) != _shapes(sources[layer.name])
    ]


def _shapes(layer):
    return [tuple(weight.shape) for weight in layer.weights]


def _read_by_heads(network):
    """Returns the features that the heads read, the last ones of several."""
    outputs = network.outputs[0]
    while keras_internals.maker(outputs).name != "heads":
        outputs = keras_internals.made_from(outputs)[-1]
    return keras_internals.made_from(outputs)[0]


def _check_start(network, trained, members):
    """Raises InputError unless equal inputs give what the network does."""
    shape = [1, *(size or _SIDE for size in trained.input_shape)]
    images = np.random.default_rng(0).random(shape, "float32")
    repeated = np.repeat(images[:, None], members, axis=1)
    # By default Keras's augmentation layers are as in training.
    wanted = _numbers(trained.trunk(images, training=False))
    weights = trained.head_weights(network.outputs[0].shape[-1])
    outputs = network.outputs[0]
    if weights is None:
        outputs = _read_by_heads(network)
    else:
        wanted = (wanted @ weights[0] + weights[1])[:, None]
    try:
        start = keras.Model(network.input, outputs)
        found = _numbers(start(repeated, training=False))
    except Exception as error:  # A layer may have been built for one image.
        raise _meet(network, trained) from error
    if weights is not None:
        found = found[:, -members:]
    elif found.shape != wanted.shape:
        return  # The features are the inputs, of all members.
    if np.abs(found - wanted).max() > _TOLERANCE * np.abs(wanted).max():
        raise _meet(network, trained)


def _numbers(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def _meet(network, trained):
    own = [*widened(network, trained), *trained.trunk.layers[1:]]
    return expected(
        "a network that reads each channel of its input alike, or by a "
        "convolution or dense layer",
        f"a first layer such as {own[0].name}, before which channels meet",
        "Use another method, such as batch_ensemble.",
    )
