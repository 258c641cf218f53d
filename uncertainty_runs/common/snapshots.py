"""Models of several epochs of a run, kept for snapshot ensembles."""

import keras

from mimo_keras.errors import expected
from uncertainty_runs.common import starting

FOLDER = "snapshots"
"""In the folder of a run; its files are in the order of training."""


def check(values):
    """Raises InputError unless all cycles have equally many epochs.

    Args:
        values: The value of every flag, by name.
    """
    epochs, cycles = values["train_epochs"], values["snapshots"]
    if cycles and epochs % cycles:
        raise expected(
            "--train_epochs to be a multiple of --snapshots",
            f"train_epochs={epochs}, snapshots={cycles}",
            "Each snapshot ends a cycle of equally many epochs.",
        )


class SnapshotsCallback(keras.callbacks.Callback):
    """Saves the model at the end of each cycle of a run.

    Args:
        config: `RunConfig`.
        folder: The run's folder.
        writes: Whether this process writes there.
    """

    def __init__(self, config, folder, writes):
        super().__init__()
        cycles = config.snapshots if writes else 0
        self.epochs = cycles and config.train_epochs // cycles
        self.folder = folder / FOLDER

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if self.epochs and done % self.epochs == 0:
            starting.save(self.model, self.folder / f"epoch_{done:06}.keras")
