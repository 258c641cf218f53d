"""Keras's own files of a model, with the state of its random draws."""

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.training import old_files
from mimo_keras.training.distribute.seeds import states

_SEEDS = "seeds"


class SavedState:
    """Mixin for keras.Model that keeps the seeds in files of weights.

    List it before keras.Model. Keras saves weights only; without the seeds, a
    model that trains on from a file repeats its first random draws.
    """

    def save_own_variables(self, store):
        """Adds the seeds' states, (S, 2), to what Keras saves."""
        super().save_own_variables(store)
        found = [keras.ops.convert_to_numpy(seed) for seed in states(self)]
        if found:
            store[_SEEDS] = np.stack(found)

    def load_own_variables(self, store):
        """Restores the seeds, if the file has as many as the model."""
        names = sorted(store.keys())
        values = {name: np.array(store[name]) for name in names}
        seeds, own = values.pop(_SEEDS, None), states(self)
        old_files.expect(self, values if seeds is None else {})
        if seeds is None:
            return
        super().load_own_variables(values)
        # Weights may come from a model with other layers that draw.
        if len(seeds) == len(own):
            for seed, value in zip(own, seeds, strict=True):
                seed.assign(value)


def freeze_parts(network):
    """Freezes the parts of frozen layers, as setting `trainable` does.

    Keras's loading freezes only the layer itself, so that weights of its parts,
    such as an attention's projections, would be trained.

    Args:
        network: keras.Model made from its config.
    """
    for layer in keras_internals.layers_within(network):
        if not layer.trainable and not isinstance(layer, keras.Model):
            # Under TensorFlow, setting an attribute to its value does nothing.
            layer.trainable = True
            layer.trainable = False
