"""ResNet-50, version 1.5, for large images."""

import functools

import keras

from mimo_keras.backbones import bottleneck
from mimo_keras.backbones.kit import IMAGE, Backbone, residual_group
from mimo_keras.errors import expected

BLOCKS = (3, 4, 6, 3)
FILTERS = 64


def resnet50(width=1):
    """ResNet-50 v1.5: the 3x3 convolution of a block has the stride.

    The stem is a 7x7 convolution with 64 filters and stride 2, BN, ReLU and 3x3
    max pooling with stride 2; four groups of 3, 4, 6, 3 bottleneck blocks
    follow, with 64, 128, 256, 512 filters (and four times as many output
    channels) and strides 1, 2, 2, 2; a block is
    conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN on top of a shortcut, which is a
    conv1x1-BN where shapes differ. Every gamma starts at 1. Methods with
    dropout apply it after the inner two ReLUs of a block, so only in the
    residual branch.

    Args:
        width: Factor on all filters; 2 is the papers' Wide ResNet-50.

    Returns:
        The `Backbone`; its stages are the four groups.

    Reference:
        He et al., Deep residual learning for image recognition, CVPR 2016,
        table 1; Goyal et al., Accurate, large minibatch SGD, 2017, for the
        stride of version 1.5.
    """
    if width < 1:
        raise expected(
            "a width of at least 1",
            f"backbone=resnet50_{width}",
            "Use, for example, resnet50 or resnet50_2.",
        )
    stages = tuple(
        functools.partial(
            residual_group,
            block=bottleneck.block,
            name=f"group{index}",
            filters=FILTERS * width * 2**index,
            strides=1 if index == 0 else 2,
            blocks=blocks,
        )
        for index, blocks in enumerate(BLOCKS)
    )
    stem = functools.partial(_stem, filters=FILTERS * width)
    return Backbone(
        stem=stem,
        stages=stages,
        top=bottleneck.top,
        axes=IMAGE,
    )


def _stem(x, kit, *, filters):
    # Explicit padding: symmetric, and it keeps the stem foldable.
    x = keras.layers.ZeroPadding2D(3, name=kit.name("stem_pad"))(x)
    name = kit.name("stem_conv")
    x = kit.conv(filters, 7, strides=2, padding="valid", name=name)(x)
    x = kit.norm(name=kit.name("stem_norm"))(x)
    x = bottleneck.relu(x, kit, "stem_relu")
    name = kit.name("stem_pool")
    return keras.layers.MaxPooling2D(3, 2, padding="same", name=name)(x)
