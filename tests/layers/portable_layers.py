"""BatchEnsemble and rank-1 layers in keras.ops, under any backend."""

import keras

from mimo_keras.layers import batch_ensemble
from mimo_keras.layers.registration import serializable


def portable(name):
    """Returns a class of them; under TensorFlow, files go on naming edward2's.

    Args:
        name: Of the public class.
    """
    found = batch_ensemble._portable_layers()[name]  # This registers them.
    if keras.backend.backend() == "tensorflow":
        for cls in batch_ensemble._layers().values():
            serializable(cls)
    return found
