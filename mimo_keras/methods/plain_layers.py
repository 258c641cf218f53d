"""Lists the convolutions and dense layers of a backbone."""

import math

import keras

from mimo_keras.backbones import Kit
from mimo_keras.methods.template_plan import PlainLayer


def layers_of(network, task):
    """Lists the layers of a network that exists, as `plain_layers` does.

    Args:
        network: Functional keras.Model up to the features.
        task: The `Task`.
    """
    listed, norms = [], 0
    for layer in network.layers:
        trained = [math.prod(w.shape) for w in layer.trainable_weights]
        if composes(layer):
            kernel = tuple(layer.kernel.shape)
            kind = "dense" if len(kernel) == 2 else "conv"
            bias = kernel[-1] if layer.use_bias else 0
            listed.append(PlainLayer(layer.name, kind, kernel, bias))
        elif isinstance(layer, keras.layers.BatchNormalization):
            norms += sum(trained)
        elif sum(trained):
            listed.append(PlainLayer(layer.name, "fixed", (sum(trained),)))
    shape = (network.output_shape[-1], task.outputs)
    listed.append(PlainLayer("heads", "dense", shape, task.outputs))
    return listed, norms


def composes(layer):
    """Whether a layer's kernel can be a mixture of templates."""
    plain = (
        getattr(layer, "bias_regularizer", None) is None
        and getattr(layer, "activity_regularizer", None) is None
        and getattr(layer, "kernel_constraint", None) is None
        and getattr(layer, "bias_constraint", None) is None
        and layer.trainable
    )
    if type(layer) is keras.layers.Dense:
        return plain
    return (
        type(layer) is keras.layers.Conv2D
        and plain
        and layer.padding in ("same", "valid")
        and layer.data_format == "channels_last"
        and layer.groups == 1
        and {*layer.dilation_rate} == {1}
    )


def plain_layers(task):
    """Traces a backbone symbolically; no weights are created.

    Args:
        task: The `Task`.

    Returns:
        A list of the convolutions and dense layers, heads included, as
        `PlainLayer`; and the number of trainable parameters of the plain
        network's batch norms.
    """
    listed, norms = [], []

    def recorder(kind, constructor):
        def part(*args, **options):
            layer = constructor(*args, **options)

            def call(x):
                shape = (x.shape[-1], *layer.compute_output_shape(x.shape)[-1:])
                if kind == "conv":
                    shape = (*layer.kernel_size, *shape)
                bias = shape[-1] if layer.use_bias else 0
                listed.append(PlainLayer(layer.name, kind, shape, bias))
                return keras.KerasTensor(layer.compute_output_shape(x.shape))

            return call

        return part

    def norm(name):
        def call(x):
            norms.append(2 * x.shape[-1])  # Gamma and beta.
            return x

        return call

    plain = Kit()
    kit = Kit(
        conv=recorder("conv", plain.conv),
        dense=recorder("dense", plain.dense),
        norm=norm,
    )
    features, _ = task.backbone.features(keras.Input(task.input_shape), kit)
    kit.dense(task.outputs, name="heads")(features)
    return listed, sum(norms)
