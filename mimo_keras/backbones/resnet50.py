"""ResNet-50, version 1.5, for large images."""

import functools

import keras

from mimo_keras.backbones.kit import Backbone, residual_group
from mimo_keras.errors import expected

BLOCKS = (3, 4, 6, 3)
FILTERS = 64


def resnet50(width=1):
    """ResNet-50 v1.5: the stride of a block is on its 3x3 convolution.

    The stem is a 7x7 convolution of 64 filters and stride 2, BN, ReLU and
    3x3 max pooling of stride 2; four groups of 3, 4, 6, 3 bottleneck blocks
    follow, of 64, 128, 256, 512 filters (four times as many come out) and
    strides 1, 2, 2, 2; a block is conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN
    on top of a shortcut, which is a conv1x1-BN where shapes differ. Every
    gamma starts at 1. Methods with dropout drop behind the inner two ReLUs of
    a block, so in the residual branch only.

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
            "Use for example resnet50 or resnet50_2.",
        )
    stages = tuple(
        functools.partial(
            residual_group,
            block=_block,
            name=f"group{index}",
            filters=FILTERS * width * 2**index,
            strides=1 if index == 0 else 2,
            blocks=blocks,
        )
        for index, blocks in enumerate(BLOCKS)
    )
    stem = functools.partial(_stem, filters=FILTERS * width)
    return Backbone(stem=stem, stages=stages, top=_top)


def _stem(x, kit, *, filters):
    # Explicit zeros: the same on each side, and a stem that can be folded.
    x = keras.layers.ZeroPadding2D(3, name=kit.name("stem_pad"))(x)
    name = kit.name("stem_conv")
    x = kit.conv(filters, 7, strides=2, padding="valid", name=name)(x)
    x = kit.norm(name=kit.name("stem_norm"))(x)
    x = _relu(x, kit, "stem_relu")
    name = kit.name("stem_pool")
    return keras.layers.MaxPooling2D(3, 2, padding="same", name=name)(x)


def _block(x, kit, filters, strides):
    y = _conv_norm(x, kit, "0", filters, 1)
    y = kit.drop(name=kit.name("drop0"))(_relu(y, kit, "relu0"))
    y = _conv_norm(y, kit, "1", filters, 3, strides)
    y = kit.drop(name=kit.name("drop1"))(_relu(y, kit, "relu1"))
    y = _conv_norm(y, kit, "2", 4 * filters, 1)
    if x.shape[-1] != 4 * filters or strides != 1:
        x = _conv_norm(x, kit, "_shortcut", 4 * filters, 1, strides)
    x = keras.layers.Add(name=kit.name("add"))([x, y])
    return _relu(x, kit, "relu2")


def _conv_norm(x, kit, label, filters, size, strides=1):
    name = kit.name(f"conv{label}")
    x = kit.conv(filters, size, strides=strides, name=name)(x)
    return kit.norm(name=kit.name(f"norm{label}"))(x)


def _relu(x, kit, label):
    return keras.layers.ReLU(name=kit.name(label))(x)


def _top(x, kit):
    pooled = keras.layers.GlobalAveragePooling2D(name=kit.name("pool"))
    return pooled(kit.last_map(x))
