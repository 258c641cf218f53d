"""Lists the convolutions and dense layers of a backbone."""

import keras

from mimo_keras.backbones import Kit
from mimo_keras.methods.template_plan import PlainLayer


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
