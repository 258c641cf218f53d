"""The one fit: Keras's own, with resume, records and checkpoints around it."""

import csv
import math
import time

import keras

from mimo_keras.errors import InputError
from mimo_keras.files import replacing
from mimo_keras.training import workers
from mimo_keras.training.checkpoints import Checkpoints

_SHARE = "Give all workers one --output_dir that they share."


class NonFiniteLossError(InputError):
    """Training met a NaN or infinite loss; the last checkpoint is good."""


def fit(
    model,
    batches,
    *,
    epochs,
    steps_per_epoch,
    output_dir,
    checkpoint_interval=1,
    validation_data=None,
    callbacks=(),
    verbose="auto",
):
    """Trains a compiled model, going on from its last checkpoint if any.

    After every epoch a row is added to metrics.csv and the TensorBoard events.
    On a CPU a run that was killed and started again ends with the same
    weights, bit for bit. Of several workers all run the callbacks and read
    the checkpoints, in one folder; the chief writes.

    Args:
        model: Compiled `EnsembleModel`.
        batches: Function from the first epoch to run to a tf.data.Dataset of
            all batches from there to the last epoch. It must be a function of
            the epoch, as `data.training_batches` is.
        epochs: Number of epochs in all.
        steps_per_epoch: Batches an epoch.
        output_dir: pathlib.Path of the run's folder.
        checkpoint_interval: Epochs between checkpoints; the last has one.
        validation_data: As in Keras; evaluated after each epoch.
        callbacks: Keras callbacks; what they add to the logs is recorded.
        verbose: As in Keras.

    Returns:
        A list of dictionaries, one an epoch, with what was recorded.

    Raises:
        NonFiniteLossError: The loss became NaN or infinite.
    """
    strategy = getattr(model, "distribute_strategy", None)
    chief = workers.is_chief(strategy)
    start, rows = restore(model, output_dir)
    workers.agree(strategy, start, "number of finished epochs", _SHARE)
    if start < epochs:
        own = [_Recorder(rows, output_dir, checkpoint_interval, epochs, chief)]
        own += [_events(output_dir)] if chief else []
        model.fit(
            batches(start),
            epochs=epochs,
            initial_epoch=start,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,  # The batches come in their order.
            validation_data=validation_data,
            callbacks=[*callbacks, *own],
            verbose=verbose if chief else 0,
        )
    if chief:
        # A kill may have come between the last checkpoint and this file.
        _write_rows(output_dir, rows)
    workers.meet(strategy)
    return rows


def _events(output_dir):
    folder = output_dir / "tensorboard"
    return keras.callbacks.TensorBoard(folder, write_graph=False)


def restore(model, output_dir):
    """Puts the last good checkpoint of a run, if any, into a compiled model.

    Returns:
        The number of finished epochs, and their rows of metrics.csv.
    """
    epoch, rows = Checkpoints(output_dir / "checkpoints").restore(model)
    return epoch, rows or []


class _Recorder(keras.callbacks.Callback):
    """Writes metrics.csv and checkpoints; stops on a loss that is no number."""

    def __init__(self, rows, output_dir, interval, epochs, writes):
        super().__init__()
        self.rows = rows
        self.output_dir = output_dir
        self.checkpoints = Checkpoints(output_dir / "checkpoints")
        self.interval = interval
        self.epochs = epochs
        self.writes = writes

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._check_finite(epoch, logs)
        self.rows.append(
            {
                "epoch": epoch + 1,
                **logs,
                "learning_rate": self._learning_rate(),
                "seconds": round(time.monotonic() - self.started, 3),
            }
        )
        if self.writes:
            self._write(epoch + 1)

    def _write(self, done):
        _write_rows(self.output_dir, self.rows)
        if done % self.interval == 0 or done == self.epochs:
            self.checkpoints.save(self.model, done, self.rows)

    def _check_finite(self, epoch, logs):
        # The training loss is of the weights before each step, so that the
        # last step's harm shows in the validation loss alone.
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                raise NonFiniteLossError(
                    f"Expected a finite loss. Received: {name}={logs[name]} "
                    f"in epoch {epoch + 1}. Lower --base_learning_rate; the "
                    "last checkpoint before it is kept in "
                    f"{self.checkpoints.directory}."
                )

    def _learning_rate(self):
        return float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )


def _write_rows(output_dir, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(output_dir / "metrics.csv") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
