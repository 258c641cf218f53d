"""What a training step's metrics need before the step."""

import keras

from mimo_keras import keras_internals


def build(model, network, task):
    """Makes the variables of compiled metrics, which Keras leaves to a step.

    On TensorFlow a step that makes a variable is traced twice, and on JAX the
    whole model is traced once more only to make it.

    Args:
        model: Compiled `keras.Model`, with or without metrics.
        network: `keras.Model` with outputs (B, E, K).
        task: "classification" or "regression".
    """
    metrics = keras_internals.compiled_metrics(model)
    if metrics is None:
        return
    size = network.output_shape[-1]
    predictions = keras.KerasTensor((None, size), "float32")
    labels = keras.KerasTensor((None,), "int32")
    targets = labels if task == "classification" else predictions
    metrics.build(targets, predictions)
