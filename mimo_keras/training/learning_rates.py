"""Separate learning rates for some weights."""

from mimo_keras import keras_internals
from mimo_keras.layers.protocols import HasLearningRates


def multiply_learning_rates(optimizer, network):
    """Makes an optimizer apply the layers' learning-rate multipliers.

    A layer lists pairs (weight, factor) in `learning_rate_multipliers`. The
    factor multiplies the rate passed to the optimizer's `update_step` for that
    weight, so it is exact for every optimizer, on every backend and under
    tf.distribute. Scaling the gradient instead, as is common, is equivalent for
    SGD but has no effect for Adam, which divides by the gradient's size. The
    optimizer's variables and configuration do not change, so neither do
    checkpoints; decoupled weight decay is not multiplied.

    Args:
        optimizer: Built keras.optimizers.Optimizer, changed in place.
        network: keras.Model whose layers list the multipliers.
    """
    # mixed_float16 wraps the optimizer in another that scales the loss.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    factors = {
        keras_internals.variable_index(optimizer, variable): factor
        for layer in keras_internals.layers_within(network)
        if isinstance(layer, HasLearningRates)
        for variable, factor in layer.learning_rate_multipliers
        if variable.trainable  # An optimizer has no frozen weights.
    }
    if not factors:
        return
    # The class's method, so that the factors of an earlier call are dropped.
    update_step = type(optimizer).update_step

    def multiplied(gradient, variable, learning_rate):
        index = keras_internals.variable_index(optimizer, variable)
        factor = factors.get(index, 1.0)
        update_step(optimizer, gradient, variable, learning_rate * factor)

    optimizer.update_step = multiplied
