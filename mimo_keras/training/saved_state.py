"""Keras's own files of a model, with the state of its random draws."""

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.paths import as_path
from mimo_keras.training import old_files
from mimo_keras.training.distribute.seeds import states

_SEEDS, _MEMBERS = "seeds", "members"


class SavedState:
    """Mixin for keras.Model that keeps the seeds in files of weights.

    List it before keras.Model, which must have a `network`. Keras saves weights
    only. Without the seeds, a model that trains on from a file repeats its
    first random draws; without the number of members, Keras would take some of
    a larger ensemble's without a word.
    """

    _stops = False

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Loads weights as in Keras.

        Raises:
            InputError: They are those of another network; nothing is loaded
                if it has another number of members.
        """
        as_path(filepath, "filepath")
        self._stops = not skip_mismatch
        try:
            return super().load_weights(filepath, skip_mismatch, **kwargs)
        except _Stop as stop:
            raise stop.args[0] from None
        except ValueError as error:
            if "could not be loaded" not in str(error):
                raise
            raise self._misfit(filepath, error) from error
        finally:
            self._stops = False

    def _misfit(self, filepath, error):
        """Returns Keras's error of many lines as one."""
        _, _, reason = str(error).partition(":")
        reason = " ".join(reason.partition("List of objects")[0].split())
        return expected(
            f"weights of model {self.name} as it was created here",
            f"filepath={str(filepath)!r}, which does not fit: {reason[:200]}",
            "Create the model with the arguments of the saved one.",
        )

    def save_own_variables(self, store):
        """Adds the members, and the seeds' states, (S, 2), to Keras's."""
        super().save_own_variables(store)
        store[_MEMBERS] = np.array([self._components()])
        found = [keras.ops.convert_to_numpy(seed) for seed in states(self)]
        if found:
            store[_SEEDS] = np.stack(found)

    def load_own_variables(self, store):
        """Restores the seeds, if the file has as many as the model."""
        names = sorted(store.keys())
        values = {name: np.array(store[name]) for name in names}
        self._check_members(values.pop(_MEMBERS, None))
        seeds, own = values.pop(_SEEDS, None), states(self)
        old_files.expect(self, values if seeds is None else {})
        if seeds is None:
            return
        super().load_own_variables(values)
        # Weights may come from a model with other layers that draw.
        if len(seeds) == len(own):
            for seed, value in zip(own, seeds, strict=True):
                seed.assign(value)

    def _components(self):
        sampling = getattr(self, "sampling", None)
        members = 0 if sampling is None else sampling.members
        return members or self.network.output_shape[1]

    def _check_members(self, stored):
        """Raises InputError if a file, unless an old one, has others."""
        own = self._components()
        if stored is None or stored[0] == own:
            return
        misfit = expected(
            f"weights of {own} members",
            f"a file with those of {stored[0]}",
            "Create the model with the ensemble_size of the saved one.",
        )
        raise _Stop(misfit) if self._stops else misfit


class _Stop(BaseException):
    """Ends Keras's loading, which goes on with the layers that fit."""


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
