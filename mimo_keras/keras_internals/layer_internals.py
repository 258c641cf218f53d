"""What Keras knows about a layer under private names."""


class OneLineError(Exception):
    """An error whose message Keras does not extend.

    Relies on `_keras_call_info_injected`, which Keras sets on an error raised
    by a layer once it has added the call's arguments to the message.

    Public alternative: `keras.config.disable_traceback_filtering()`, which
    affects every error of the process.
    """

    _keras_call_info_injected = True


def layers_within(model):
    """Returns all layers of a model at any depth, without the model itself.

    Relies on `Layer._flatten_layers`, which lists each layer once.

    Public alternative: `Model.layers`, which stops at the first level.
    """
    return model._flatten_layers(include_self=False)


def forget_layer(layer, part):
    """Makes a layer no longer list another one, that it replaces, as its part.

    Relies on `Layer._tracker`.

    Public alternative: none; it outlives the attribute's deletion.

    Args:
        layer: keras.layers.Layer.
        part: The layer that it held.
    """
    layer._tracker.unlock()
    layer._tracker.untrack(part)


def own_trainable_variables(layer):
    """Returns the trainable variables that a layer itself created.

    Relies on `Layer._trainable_variables`. They are listed whether or not the
    layer is frozen.

    Public alternative: `Layer.trainable_variables`, which includes sublayers
    and is empty if the layer is frozen.
    """
    return list(layer._trainable_variables)
