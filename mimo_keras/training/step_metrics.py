"""What a training step's metrics need before the step."""

import keras


def build(metrics, network, task):
    """Makes the variables of compiled metrics, which Keras leaves to a step.

    On TensorFlow a step that makes a variable is traced twice, and on JAX the
    whole model is traced once more only to make it.

    Args:
        metrics: What Keras made of the metrics of `compile`; None for none.
        network: `keras.Model` with outputs (B, E, K).
        task: "classification" or "regression".
    """
    if metrics is None:
        return
    size = network.output_shape[-1]
    predictions = keras.KerasTensor((None, size), "float32")
    labels = keras.KerasTensor((None,), "int32")
    targets = labels if task == "classification" else predictions
    metrics.build(targets, predictions)
