"""Keras's own fit, extended by resuming, records and checkpoints."""

import csv
import math
import time

import keras

from mimo_keras.errors import InputError, Stopped, argument, expected
from mimo_keras.files import replacing, writing
from mimo_keras.paths import as_path
from mimo_keras.training.checkpoints import Checkpoints, Middle
from mimo_keras.training.distribute import workers
from mimo_keras.training.stopping import Rest, Stopping, metric_values

_SHARE = f"Give all workers one {argument('output_dir')} that they share."


class NonFiniteLossError(InputError):
    """The loss became NaN or infinite; the last checkpoint is good.

    Example:

    ```python
    kind = mimo_keras.training.NonFiniteLossError
    issubclass(kind, mimo_keras.InputError)                  # True
    ```
    """

    status = 3


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
    stop=None,
    run=None,
):
    """Trains a compiled model, resuming from its last checkpoint if any.

    Each epoch adds a row to metrics.csv and TensorBoard's events. On a CPU, a
    run that was killed and restarted ends with the same weights, bit for bit.
    All workers run the callbacks and read a shared folder; the chief writes.

    Args:
        model: Compiled `EnsembleModel`.
        batches: Function from the first epoch to run to a tf.data.Dataset of
            all batches from there to the last epoch. Batches must depend only
            on the epoch, as those of `data.training_batches` do. With `stop`,
            the function also takes the first step of that epoch, if not 0.
        epochs: Total number of epochs.
        steps_per_epoch: Batches per epoch.
        output_dir: The run's folder.
        checkpoint_interval: Epochs between checkpoints; the last epoch always
            has one.
        validation_data: As in Keras; evaluated after each epoch.
        callbacks: Keras callbacks; what they add to the logs is recorded.
        verbose: As in Keras.
        stop: Function without arguments that says whether to stop, or None. It
            is called after every step; with several workers, after every epoch.
        run: What else the weights depend on, see `Checkpoints`.

    Returns:
        A list of dictionaries with the recorded values, one per epoch.

    Raises:
        NonFiniteLossError: The loss became NaN or infinite.
        InputError: The folder is that of another model or run.
        mimo_keras.errors.Stopped: `stop` returned True; a checkpoint holds
            the progress.

    Example:

    ```python
    train = mimo_keras.data.load("digits", "train")


    def batches(epoch):
        return mimo_keras.data.training_batches(
            train, 512, seed=0, epochs=1, initial_epoch=epoch)


    rows = mimo_keras.training.fit(
        model, batches, epochs=1, steps_per_epoch=2, output_dir="run",
        verbose=0)
    rows[0]["epoch"]                                         # 1
    ```
    """
    strategy = getattr(model, "distribute_strategy", None)
    chief = workers.is_chief(strategy)
    recorder = _Recorder(output_dir, checkpoint_interval, epochs, chief, run)
    start, middle = recorder.resume(model)
    workers.agree(strategy, start, "number of finished epochs", _SHARE)
    if start < epochs:
        options = {"epochs": epochs, "validation_data": validation_data}
        options["verbose"] = verbose if chief else 0
        progress = (recorder, stop, start, middle)
        _train(model, batches, steps_per_epoch, callbacks, *progress, **options)
    # The run may have been killed between the last checkpoint and this file.
    recorder.write_rows()
    workers.meet(strategy)
    return recorder.rows


def _train(
    model, batches, steps, callbacks, recorder, stop, start, middle, **options
):
    """Runs Keras's fit, with an extra call to finish an unfinished epoch."""
    step = middle.step if middle else 0
    data = batches(start, step) if step else batches(start)
    rest = Rest(middle, data)
    own = [rest, recorder]
    if recorder.writes:
        own.append(_Events(recorder.output_dir))
    if stop is not None:
        own.append(Stopping(stop, recorder, steps, step))
    try:
        model.fit(
            data,
            initial_epoch=start,
            steps_per_epoch=steps - step,
            shuffle=False,  # The batches are in order already.
            callbacks=[*callbacks, *own],
            **options,
        )
    except Stopped:
        for callback in own:
            callback.on_train_end()  # Closes files.
        workers.leave(getattr(model, "distribute_strategy", None))
        raise
    if rest.goes_on and start + 1 < recorder.epochs:
        after = (recorder, stop, start + 1, None)
        _train(model, batches, steps, callbacks, *after, **options)


class _Events(keras.callbacks.TensorBoard):
    """TensorBoard's events; a full disk is reported in one line."""

    def __init__(self, output_dir):
        super().__init__(str(output_dir / "tensorboard"), write_graph=False)

    def on_train_begin(self, logs=None):
        with writing(self.log_dir):
            super().on_train_begin(logs)

    def on_test_begin(self, logs=None):
        with writing(self.log_dir):
            super().on_test_begin(logs)

    def on_test_end(self, logs=None):
        with writing(self.log_dir):
            super().on_test_end(logs)

    def on_epoch_end(self, epoch, logs=None):
        with writing(self.log_dir):
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        with writing(self.log_dir):
            super().on_train_end(logs)


def restore(model, output_dir, run=None):
    """Loads the last good checkpoint of a run, if any, into a compiled model.

    Args:
        model: The compiled model.
        output_dir: The run's folder.
        run: As in `fit`.

    Returns:
        The number of finished epochs, and their rows of metrics.csv.
    """
    folder = as_path(output_dir, "output_dir") / "checkpoints"
    epoch, rows, _ = Checkpoints(folder, run=run).restore(model)
    return epoch, rows or []


class _Recorder(keras.callbacks.Callback):
    """Writes metrics.csv and checkpoints; raises if the loss is not finite."""

    def __init__(self, output_dir, interval, epochs, writes, run):
        super().__init__()
        self.output_dir = as_path(output_dir, "output_dir")
        self.checkpoints = Checkpoints(self.output_dir / "checkpoints", run=run)
        self.interval = interval
        self.epochs = epochs
        self.writes = writes
        self.rows = []
        self.earlier = 0.0

    def resume(self, model):
        """Goes on from the last checkpoint; returns its epoch and `Middle`."""
        epoch, rows, middle = self.checkpoints.restore(model)
        self.rows = rows or []
        self.earlier = middle.seconds if middle else 0.0
        return epoch, middle

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic() - self.earlier
        self.earlier = 0.0

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._check_finite(epoch, logs)
        self.rows.append(
            {
                "epoch": epoch + 1,
                **logs,
                "learning_rate": self._learning_rate(),
                "seconds": self._seconds(),
            }
        )
        self.write_rows()
        if self._is_due(epoch + 1):
            self._save(epoch + 1)

    def write_rows(self):
        """Writes metrics.csv."""
        if not self.writes:
            return
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with replacing(self.output_dir / "metrics.csv") as file:
            writer = csv.DictWriter(
                file, names, restval="", lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(self.rows)

    def save_end(self, done):
        """Saves the state after an epoch, unless `on_epoch_end` does."""
        if not self._is_due(done):
            self._save(done)

    def save_middle(self, done, step, logs):
        """Saves the state after some steps of the epoch after `done`."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self._check_finite(done, logs)
        metrics = tuple(metric_values(self.model))
        self._save(done, Middle(step, self._seconds(), metrics))

    def _is_due(self, done):
        return done % self.interval == 0 or done == self.epochs

    def _save(self, done, middle=None):
        if self.writes:
            self.checkpoints.save(self.model, done, self.rows, middle)

    def _seconds(self):
        return round(time.monotonic() - self.started, 3)

    def _check_finite(self, epoch, logs):
        # The training loss uses the weights before each step, so only the
        # validation loss shows a failure of the last step.
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                raise expected(
                    "a finite loss",
                    f"{name}={logs[name]} in epoch {epoch + 1}",
                    f"Lower {argument('learning_rate')}; the last checkpoint "
                    f"before it is kept in {self.checkpoints.directory}.",
                    NonFiniteLossError,
                )

    def _learning_rate(self):
        return float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
