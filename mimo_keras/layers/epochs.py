"""Base class of layers whose behavior depends on the epoch."""

import keras


class EpochLayer(keras.layers.Layer):
    """Base of layers whose behavior depends on the epoch.

    The epoch is a weight of the layer, so it is part of checkpoints and Keras
    files, and a compiled training step reads its current value.
    `EnsembleModel.fit` sets it; in a custom loop, call `begin_epoch`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.epoch = self._counter("epoch")
        self.epochs = self._counter("epochs")

    def begin_epoch(self, epoch, epochs):
        """Sets the current epoch.

        Args:
            epoch: Number of completed training epochs.
            epochs: Total number of epochs; 0 if unknown.
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
