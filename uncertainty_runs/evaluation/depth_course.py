"""Records at which depths members predict, epoch by epoch."""

import keras
import numpy as np

from mimo_keras.analysis import depth_columns
from mimo_keras.layers.protocols import HasDepthPosterior


class DepthCallback(keras.callbacks.Callback):
    """Adds each member's posterior over depths, θ, to the logs of an epoch.

    Does nothing for models without one. The names are those of
    `analysis.depth_columns`.
    """

    def on_epoch_end(self, epoch, logs=None):
        for layer in self.model.training_network.layers:
            if isinstance(layer, HasDepthPosterior):
                log_theta = keras.ops.convert_to_numpy(layer.log_posterior())
                names = depth_columns(*log_theta.shape)
                values = np.exp(log_theta).ravel().tolist()
                logs.update(zip(np.ravel(names).tolist(), values, strict=True))
