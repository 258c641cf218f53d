"""A convolutional network for series (T, C)."""

import functools

import keras

from mimo_keras import layers
from mimo_keras.backbones.kit import Backbone
from mimo_keras.errors import expected

KERNELS = (8, 5, 3)


def temporal_cnn(filters=128):
    """Three convolutions over time, and the mean over time.

    They have kernels of 8, 5 and 3 steps and F, 2F and F filters; each is
    followed by batch norm and ReLU. Series may have any length. Methods with
    dropout apply it after each ReLU.

    Args:
        filters: F.

    Returns:
        The `Backbone`.

    Reference:
        Wang, Yan and Oates, Time series classification from scratch with deep
        neural networks: a strong baseline, IJCNN 2017, section II.B (FCN).
    """
    if filters < 1:
        raise expected(
            "at least 1 filter",
            f"backbone=temporal_cnn_{filters}",
            "Use, for example, temporal_cnn or temporal_cnn_32.",
        )
    widths = (filters, 2 * filters, filters)
    stem, *stages = (
        functools.partial(_layer, index=index, filters=width)
        for index, width in enumerate(widths)
    )
    return Backbone(
        stem=lambda x, kit: stem(_as_map(x, kit), kit),
        stages=tuple(stages),
        top=_top,
        axes=("T", "C"),
    )


def _as_map(x, kit):
    return layers.SeriesAsMap(name=kit.name("series_as_map"))(x)


def _layer(x, kit, *, index, filters):
    name = kit.name(f"conv{index}")
    x = kit.conv(filters, (KERNELS[index], 1), name=name)(x)
    x = kit.norm(name=kit.name(f"norm{index}"))(x)
    x = keras.layers.ReLU(name=kit.name(f"relu{index}"))(x)
    return kit.drop(name=kit.name(f"drop{index}"))(x)


def _top(x, kit):
    pool = keras.layers.GlobalAveragePooling2D(name=kit.name("pool"))
    return pool(kit.last_map(x))
