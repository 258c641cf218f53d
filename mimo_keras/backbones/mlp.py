"""The multilayer perceptron of the papers' regression study."""

import functools

import keras

from mimo_keras.backbones.kit import Backbone
from mimo_keras.errors import expected

WIDTHS = (32, 128)


def mlp(*widths):
    """Multilayer perceptron with ReLU; images are flattened first.

    Methods with dropout apply it after each ReLU.

    Args:
        *widths: Units of each hidden layer; by default (32, 128).

    Returns:
        The `Backbone`; its stem is the first hidden layer.

    Reference:
        Havasi et al., ICLR 2021, section 2.1.
    """
    if min(widths, default=1) < 1:
        raise expected(
            "at least 1 unit in every layer",
            f"backbone={'_'.join(map(str, ('mlp', *widths)))}",
            "Use, for example, mlp or mlp_32_128.",
        )
    stem, *stages = (
        functools.partial(_layer, index=index, units=units)
        for index, units in enumerate(widths or WIDTHS)
    )
    return Backbone(
        stem=stem, stages=tuple(stages), top=lambda x, kit: x, sized=True
    )


def _layer(x, kit, *, index, units):
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=kit.name("flatten"))(x)
    x = kit.dense(units, name=kit.name(f"dense{index}"))(x)
    x = keras.layers.ReLU(name=kit.name(f"relu{index}"))(x)
    return kit.drop(name=kit.name(f"drop{index}"))(x)
