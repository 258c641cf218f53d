"""Saves the members' predictions during training: paths in function space."""

import keras
import numpy as np

from mimo_keras.analysis.run_files import broken
from mimo_keras.files import ReadError, read_arrays, write_arrays
from uncertainty_runs.evaluation.predict import prepared

NAME = "trajectory.npz"
IMAGES = 512
_LOSE = (
    "Delete the file: without its predictions, the training command goes on "
    "and saves those of later epochs."
)


class TrajectoryCallback(keras.callbacks.Callback):
    """Writes the members' predictions of the first test images to a file.

    The file has "epochs" (T,), numbers of finished epochs, starting at 0 if
    training began with this callback, and "probabilities" (T, N, E, K). It is
    written before the checkpoint of its epoch. A run that resumes from an
    earlier checkpoint repeats its last epochs and replaces their predictions.

    Args:
        suite: `Suite`, for its test set and devices.
        folder: pathlib.Path of the run.
        interval: Epochs between predictions; 0 for none.
        write: Whether this process writes the file; all workers predict.
        images: Number of test images; 0 for all.
    """

    def __init__(self, suite, folder, interval, write=True, images=IMAGES):
        super().__init__()
        self.suite = suite
        self.path = folder / NAME
        self.interval = interval
        self.write = write
        self.images = images
        self.started = False

    def on_epoch_begin(self, epoch, logs=None):
        if self.interval <= 0 or self.started:
            return
        self.started = True
        saved = read(self.path)
        kept = saved.get("epochs", np.array([], int)) <= epoch
        self.epochs = list(saved.get("epochs", kept)[kept])
        self.predictions = list(saved.get("probabilities", kept)[kept])
        # Not in the middle of epoch 0, where a stopped run may resume.
        if epoch == 0 and not int(self.model.optimizer.iterations):
            self.epochs, self.predictions = [], []
            self._add(0)

    def on_epoch_end(self, epoch, logs=None):
        if self.interval > 0 and (epoch + 1) % self.interval == 0:
            self._add(epoch + 1)

    def _add(self, epoch):
        found = self._predict()
        for other in self.predictions[-1:]:
            if other.shape != found.shape:
                reason = f"predictions {other.shape}, now {found.shape}"
                raise broken(self.path, reason, _LOSE)
        self.epochs.append(epoch)
        self.predictions.append(found)
        if not self.write:
            return
        arrays = {
            "epochs": np.array(self.epochs),
            "probabilities": np.stack(self.predictions),
        }
        write_arrays(self.path, arrays)

    def _predict(self):
        # A copy of the network, so that training's random draws are unchanged.
        suite = self.suite
        network = prepared(
            suite.strategy, self.model, suite.batch_size, suite.moves
        )
        logits = network.logits(first_images(suite.test, self.images))
        logits = logits - logits.max(axis=-1, keepdims=True)
        values = np.exp(logits)
        return (values / values.sum(axis=-1, keepdims=True)).astype("float16")


def read(path):
    """Returns the arrays of a trajectory.npz; none if there is no file.

    Raises:
        InputError: It is damaged, or holds other arrays.
    """
    try:
        arrays = read_arrays(path)
    except FileNotFoundError:
        return {}
    except ReadError as error:
        raise broken(path, error, _LOSE) from None
    epochs, probabilities = (
        arrays.get(name, np.array(None)) for name in ("epochs", "probabilities")
    )
    if (
        epochs.dtype.kind not in "iu"
        or probabilities.dtype.kind != "f"
        or (epochs.ndim, probabilities.ndim) != (1, 4)
        or len(epochs) != len(probabilities)
    ):
        reason = "no predictions of a member in each epoch"
        raise broken(path, reason, _LOSE)
    return arrays


def first_images(test, count):
    """Returns the first `count` images of a test set; 0, or too many: all."""
    count = min(count or len(test), len(test))
    images, _ = next(iter(test.evaluation_batches(count)))
    return images
