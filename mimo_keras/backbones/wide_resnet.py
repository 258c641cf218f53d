"""Pre-activation Wide ResNets for small images."""

import functools

import keras

from mimo_keras.backbones.kit import IMAGE, Backbone, residual_group
from mimo_keras.errors import expected


def wide_resnet(depth, width, late_stride=False):
    """Wide ResNet `depth`-`width`, such as 28-10.

    The stem is a 3x3 convolution of 16 filters; three groups of (depth - 4) / 6
    blocks follow, of 16, 32 and 64 times `width` filters and strides 1, 2, 2; a
    block is BN-ReLU-conv3x3-BN-ReLU-conv3x3 on top of a shortcut from its raw
    input. Methods with dropout apply it after the first convolution of each
    block, so only in the residual branch.

    Args:
        depth: n, of the form 6 b + 4 for b blocks per group.
        width: k, the factor on the filters of the groups.
        late_stride: Whether a block's stride is that of its second convolution
            instead of the first, as in MixMo's code.

    Returns:
        The `Backbone`.

    Reference:
        Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016. With the
        late stride: Ramé, Sun and Cord, MixMo, ICCV 2021.
    """
    blocks, rest = divmod(depth - 4, 6)
    if rest or blocks < 1 or width < 1:
        raise expected(
            "wide_resnet_{6 n + 4}_{width of at least 1}",
            f"backbone=wide_resnet_{depth}_{width}",
            "Use, for example, wide_resnet_28_10 or wide_resnet_16_4.",
        )
    stages = tuple(
        functools.partial(
            residual_group,
            block=functools.partial(_block, late_stride=late_stride),
            name=f"group{index}",
            filters=base * width,
            strides=strides,
            blocks=blocks,
        )
        for index, (base, strides) in enumerate([(16, 1), (32, 2), (64, 2)])
    )
    return Backbone(
        stem=_stem,
        stages=stages,
        top=_top,
        axes=IMAGE,
    )


def _stem(x, kit):
    return kit.conv(16, 3, name=kit.name("stem_conv"))(x)


def _block(x, kit, filters, strides, late_stride):
    first, second = (1, strides) if late_stride else (strides, 1)
    y = _norm_relu(x, kit, "0")
    y = kit.conv(filters, 3, strides=first, name=kit.name("conv0"))(y)
    y = kit.drop(name=kit.name("drop"))(y)
    y = _norm_relu(y, kit, "1")
    y = kit.conv(filters, 3, strides=second, name=kit.name("conv1"))(y)
    if x.shape[-1] != filters or strides != 1:
        x = kit.conv(filters, 1, strides=strides, name=kit.name("shortcut"))(x)
    return keras.layers.Add(name=kit.name("add"))([x, y])


def _norm_relu(x, kit, label):
    x = kit.norm(name=kit.name(f"norm{label}"))(x)
    return keras.layers.ReLU(name=kit.name(f"relu{label}"))(x)


def _top(x, kit):
    x = _norm_relu(x, kit, "_top")
    pooled = keras.layers.GlobalAveragePooling2D(name=kit.name("pool"))
    return pooled(kit.last_map(x))
