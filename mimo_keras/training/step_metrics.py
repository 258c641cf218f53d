"""What a training step's metrics need before the step."""

from mimo_keras import keras_internals


def build(model, likelihood):
    """Makes the variables of compiled metrics, which Keras leaves to a step.

    On TensorFlow a step that makes a variable is traced twice, and on JAX the
    whole model is traced once more only to make it.

    Args:
        model: Compiled `keras.Model`, with or without metrics.
        likelihood: `likelihoods.Likelihood`.
    """
    metrics = keras_internals.compiled_metrics(model)
    if metrics is not None:
        metrics.build(*likelihood.specs())
