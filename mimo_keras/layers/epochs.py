"""Layers that do something else as training goes on."""

import keras


class EpochLayer(keras.layers.Layer):
    """Base of layers whose work depends on the epoch.

    The epoch is a weight of the layer: it is a part of checkpoints and Keras
    files, and a compiled training step reads it. `EnsembleModel.fit` sets it;
    with a loop of your own, call `begin_epoch`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.epoch = self._counter("epoch")
        self.epochs = self._counter("epochs")

    def begin_epoch(self, epoch, epochs):
        """Says which epoch it is.

        Args:
            epoch: Epochs of training that are over.
            epochs: How many there will be; 0 where that is not known.
        """
        self.epoch.assign(epoch)
        self.epochs.assign(epochs)

    def _counter(self, name):
        return self.add_weight(
            shape=(),
            dtype="float32",
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            name=name,
        )
