"""Stopping a run between two steps, and resuming from there.

Keras's fit supports only whole epochs. The rest of an interrupted epoch runs in
a separate call of fit, which has fewer steps and starts from the saved state of
the metrics.
"""

import keras
import numpy as np

from mimo_keras import keras_internals
from mimo_keras.errors import Stopped, expected
from mimo_keras.training.distribute import workers


class Rest(keras.callbacks.Callback):
    """Makes a call of fit run the rest of an epoch.

    Args:
        middle: `checkpoints.Middle` of its first epoch; None if that has not
            begun, and then this callback does nothing.
        batches: Dataset of (images, labels) given to fit.
    """

    def __init__(self, middle, batches):
        super().__init__()
        self.middle = middle
        self.batches = batches
        self.goes_on = False

    def on_train_begin(self, logs=None):
        if self.middle:
            # Without a strategy Keras builds metrics only in the first step.
            keras_internals.build_on(self.model, next(iter(self.batches)))

    def on_epoch_begin(self, epoch, logs=None):
        if self.middle:  # Keras has just reset the metrics.
            restore_metrics(self.model, self.middle.metrics)

    def on_epoch_end(self, epoch, logs=None):
        if self.middle and not self.model.stop_training:
            self.model.stop_training = self.goes_on = True


def steps_done(callbacks):
    """Returns how many steps of the first epoch an earlier call of fit ran.

    Args:
        callbacks: Those of this call of fit, as in Keras.
    """
    listed = keras.tree.flatten(getattr(callbacks, "callbacks", callbacks))
    rests = [x for x in listed if isinstance(x, Rest) and x.middle]
    return sum(rest.middle.step for rest in rests)


class Stopping(keras.callbacks.Callback):
    """Saves a checkpoint and raises `Stopped` when asked to stop.

    Several workers, which must all do the same, stop at the end of an epoch if
    any of them is asked to.

    Args:
        asked: Function without arguments that says whether to stop.
        recorder: Object with `save_middle` and `save_end`, which save.
        steps: Number of steps in an epoch.
        first: Number of its steps done before this call of fit.
    """

    def __init__(self, asked, recorder, steps, first=0):
        super().__init__()
        self.asked = asked
        self.recorder = recorder
        self.steps = steps
        self.first = first

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        done = self.first + batch + 1
        several = workers.several(self._strategy)
        # After the last step, on_epoch_end stops instead and saves the row.
        if done < self.steps and not several and self.asked():
            self.recorder.save_middle(self.epoch, done, logs)
            raise Stopped(
                f"Stopped in epoch {self.epoch + 1} after step {done} of "
                f"{self.steps}."
            )

    def on_epoch_end(self, epoch, logs=None):
        if any(workers.meet(self._strategy, int(self.asked()))):
            self.recorder.save_end(epoch + 1)
            raise Stopped(f"Stopped after epoch {epoch + 1}.")

    @property
    def _strategy(self):
        return getattr(self.model, "distribute_strategy", None)


def metric_values(model):
    """Returns the state of a model's metrics.

    Args:
        model: keras.Model whose metrics are built.

    Returns:
        A list of arrays (replicas, …), one per variable: replicas that count
        separately must continue from their own values.
    """
    return [
        np.stack([keras.ops.convert_to_numpy(part) for part in parts])
        for parts in _parts(model)
    ]


def restore_metrics(model, values):
    """Sets a model's metrics to the values that `metric_values` returned.

    Raises:
        InputError: They are from a different number of replicas.
    """
    strategy = getattr(model, "distribute_strategy", None)
    replicas = strategy.num_replicas_in_sync if strategy else 1
    if {len(value) for value in values} - {replicas}:
        raise expected(
            "as many devices as the unfinished epoch began with",
            f"devices={replicas}, initially {len(values[0])}",
            "Resume with the same number.",
        )
    for parts, value in zip(_parts(model), values, strict=True):
        for part, number in zip(parts, value, strict=True):
            part.assign(number)


def _parts(model):
    """Returns for each metric variable a list of all replicas' variables."""
    strategy = getattr(model, "distribute_strategy", None)
    variables = model.metrics_variables
    if strategy is None:
        return [[variable] for variable in variables]
    local = strategy.experimental_local_results
    return [local(variable.value) for variable in variables]
