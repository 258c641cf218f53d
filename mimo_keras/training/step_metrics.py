"""Builds a training step's metrics before the first step."""

from mimo_keras import keras_internals


def build(model, likelihood):
    """Creates the variables of compiled metrics, which Keras defers to a step.

    On TensorFlow a step that creates a variable is traced twice, and on JAX the
    whole model is traced once more only to create it.

    Args:
        model: Compiled `keras.Model`, with or without metrics.
        likelihood: `likelihoods.Likelihood`.
    """
    metrics = keras_internals.compiled_metrics(model)
    if metrics is not None:
        metrics.build(*likelihood.specs())
