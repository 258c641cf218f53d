"""Informs layers that depend on the epoch of the current one."""

import keras

from mimo_keras import keras_internals
from mimo_keras.layers.epochs import EpochLayer


class EpochClock(keras.callbacks.Callback):
    """Tells the layers of a model the epoch and the total number of epochs.

    Epochs continue from the one that the layers hold, so that several calls of
    `fit` form one training and a restored checkpoint continues where it was.

    Args:
        layers: The `EpochLayer`s.
        epochs: The last epoch of this call of `fit`.
    """

    def __init__(self, layers, epochs):
        super().__init__()
        self.layers = layers
        self.epochs = epochs
        self.earlier = None

    def on_train_begin(self, logs=None):
        self.earlier = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.earlier is None:
            known = keras.ops.convert_to_numpy(self.layers[0].epoch)
            # With initial_epoch, this call's own epochs start above 0.
            self.earlier = max(int(known) - epoch, 0)
        self._tell(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self._tell(epoch + 1)

    def _tell(self, epoch):
        for layer in self.layers:
            layer.begin_epoch(self.earlier + epoch, self.earlier + self.epochs)


def with_clock(callbacks, model, epochs):
    """Returns the callbacks of `fit` with a clock first, if a layer needs one.

    It comes first, so that checkpoints written at the end of an epoch include
    its update.

    Args:
        callbacks: As in Keras.
        model: The keras.Model.
        epochs: As in Keras.
    """
    layers = [
        layer
        for layer in keras_internals.layers_within(model)
        if isinstance(layer, EpochLayer)
    ]
    if not layers:
        return callbacks
    return with_first(EpochClock(layers, epochs), callbacks, model)


def with_first(own, callbacks, model):
    """Returns the callbacks of `fit` with one of ours before them.

    Args:
        own: The callback, of which a list has one of its kind at most.
        callbacks: As in Keras.
        model: The keras.Model.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        own.set_model(model)
        # Drop that of an earlier call with this list.
        others = [x for x in callbacks.callbacks if type(x) is not type(own)]
        callbacks.callbacks[:] = [own, *others]
        return callbacks
    given = keras.tree.flatten(callbacks) if callbacks is not None else []
    return [own, *given]
