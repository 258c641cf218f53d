"""The bottleneck block, shared by several residual networks."""

import keras

OUTER = 4  # Filters at the end of a block, as a multiple of its width.


def block(x, kit, filters, strides, *, inner=1):
    """Builds a post-activation bottleneck block.

    conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN on top of a shortcut, which is
    projected with batch norm where shapes differ; then ReLU. The 3x3
    convolution has the stride. Methods with dropout apply it before the second
    and third convolutions.

    Args:
        x: KerasTensor, the block's input.
        kit: The `Kit` of layer constructors.
        filters: The block's width; it returns 4 times as many channels.
        strides: Its stride.
        inner: Filters of the first two convolutions, as a multiple of
            `filters`.

    Returns:
        KerasTensor.

    Reference:
        He et al., Deep residual learning for image recognition, CVPR 2016.
    """
    y = conv_norm(x, kit, "0", inner * filters, 1)
    y = kit.drop(name=kit.name("drop0"))(relu(y, kit, "relu0"))
    y = conv_norm(y, kit, "1", inner * filters, 3, strides)
    y = kit.drop(name=kit.name("drop1"))(relu(y, kit, "relu1"))
    y = conv_norm(y, kit, "2", OUTER * filters, 1)
    if x.shape[-1] != OUTER * filters or strides != 1:
        x = conv_norm(x, kit, "_shortcut", OUTER * filters, 1, strides)
    x = keras.layers.Add(name=kit.name("add"))([x, y])
    return relu(x, kit, "relu2")


def conv_norm(x, kit, label, filters, size, strides=1):
    """Builds a convolution and its norm, named by `label`."""
    name = kit.name(f"conv{label}")
    x = kit.conv(filters, size, strides=strides, name=name)(x)
    return kit.norm(name=kit.name(f"norm{label}"))(x)


def relu(x, kit, label):
    """Builds a ReLU called `label`."""
    return keras.layers.ReLU(name=kit.name(label))(x)


def top(x, kit):
    """Builds what follows the last block: global average pooling."""
    pooled = keras.layers.GlobalAveragePooling2D(name=kit.name("pool"))
    return pooled(kit.last_map(x))
