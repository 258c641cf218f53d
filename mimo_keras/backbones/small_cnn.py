"""The three-layer convolutional network of the papers' analyses."""

import functools

import keras

from mimo_keras.backbones.kit import IMAGE, Backbone
from mimo_keras.errors import expected

FILTERS = (16, 32, 32)


def small_cnn(width=1):
    """SmallCNN: three 3x3 convolutions of 16, 32 and 32 filters.

    Each is followed by ReLU and 2x2 max pooling; the last map is flattened.
    Images must be at least 8x8. Methods with dropout apply it after each
    pooling.

    Args:
        width: Factor on the filters.

    Returns:
        The `Backbone`.

    Reference:
        Havasi et al., ICLR 2021, section 3.1, after Fort et al., Deep
        ensembles: a loss landscape perspective, 2019.
    """
    if width < 1:
        raise expected(
            "a width of at least 1",
            f"backbone=small_cnn_{width}",
            "Use, for example, small_cnn or small_cnn_2.",
        )
    stem, *stages = (
        functools.partial(_layer, index=index, filters=filters * width)
        for index, filters in enumerate(FILTERS)
    )
    return Backbone(
        stem=stem,
        stages=tuple(stages),
        top=_top,
        axes=IMAGE,
        sized=True,
    )


def _layer(x, kit, *, index, filters):
    if min(x.shape[1:3]) < 2:
        raise expected(
            "images of at least 8x8 for small_cnn",
            f"a map of {x.shape[1]}x{x.shape[2]} before pooling {index + 1}",
            "Use larger images, or the backbone mlp.",
        )
    name = kit.name(f"conv{index}")
    x = kit.conv(filters, 3, use_bias=True, name=name)(x)
    x = keras.layers.ReLU(name=kit.name(f"relu{index}"))(x)
    x = keras.layers.MaxPooling2D(name=kit.name(f"pool{index}"))(x)
    return kit.drop(name=kit.name(f"drop{index}"))(x)


def _top(x, kit):
    flat = keras.layers.Flatten(name=kit.name("flatten"))
    return flat(kit.last_map(x))
