"""Post-activation bottleneck ResNets for small images."""

import functools

from mimo_keras.backbones import bottleneck
from mimo_keras.backbones.kit import IMAGE, Backbone, residual_group
from mimo_keras.errors import expected

DEPTHS, WIDTHS, STRIDES = (1, 2, 3, 1), (16, 32, 64, 128), (1, 2, 2, 2)


def bottleneck_resnet(depths=DEPTHS, widths=WIDTHS, strides=STRIDES):
    """Bottleneck ResNet with one stage per entry of `depths`.

    The stem is a 3x3 convolution of 16 filters, batch norm and ReLU; a block is
    conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN on top of its input, then ReLU. A
    block of width w has 2 w inner filters and 4 w output filters; the first
    block of a stage has a stride and a projection with batch norm as its
    shortcut. Methods with dropout apply it before the second and third
    convolutions.

    Args:
        depths: Blocks of each stage.
        widths: w of each stage.
        strides: Stride of each stage.

    Returns:
        The `Backbone`.

    Raises:
        InputError: The stages have no equal number of depths, widths and
            strides.

    Example:

    ```python
    backbone = mimo_keras.backbones.bottleneck_resnet((1, 1), (4, 8), (1, 2))
    len(backbone.stages)                                     # 2
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.
    """
    if not len(depths) == len(widths) == len(strides) or not depths:
        raise expected(
            "as many depths as widths and strides",
            f"depths={depths}, widths={widths}, strides={strides}",
            "The paper uses (1, 2, 3, 1), (16, 32, 64, 128), (1, 2, 2, 2).",
        )
    if min(*depths, *widths, *strides) < 1:
        raise expected(
            "depths, widths and strides of at least 1",
            f"depths={depths}, widths={widths}, strides={strides}",
            "Use at least 1 for each.",
        )
    stages = tuple(
        functools.partial(
            residual_group,
            block=functools.partial(bottleneck.block, inner=2),
            name=f"group{index}",
            filters=width,
            strides=stride,
            blocks=depth,
        )
        for index, (depth, width, stride) in enumerate(
            zip(depths, widths, strides, strict=True)
        )
    )
    return Backbone(
        stem=_stem,
        stages=stages,
        top=bottleneck.top,
        axes=IMAGE,
    )


def scaled(depth=1, width=1):
    """Returns the network with `depth` and `width` times the paper's sizes."""
    return bottleneck_resnet(
        tuple(depth * blocks for blocks in DEPTHS),
        tuple(width * filters for filters in WIDTHS),
    )


def _stem(x, kit):
    x = kit.conv(16, 3, name=kit.name("stem_conv"))(x)
    x = kit.norm(name=kit.name("stem_norm"))(x)
    return bottleneck.relu(x, kit, "stem_relu")
