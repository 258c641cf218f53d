"""The common fit: what it records, and when it stops."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training.fit import NonFiniteLossError, restore
from tests.training import short_runs


def test_a_row_is_recorded_for_every_epoch(whole):
    folder, model, rows = whole
    table = short_runs.table(folder)
    assert [list(map(str, row.values())) for row in rows] == [
        list(row.values()) for row in table
    ]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert list(rows[0]) == [
        "epoch",
        *("accuracy", "loss", "nll"),
        *("val_accuracy", "val_loss", "val_nll"),
        *("learning_rate", "seconds"),
    ]
    # After 3, 6, 9 and 12 steps, with a decay from step 6.
    np.testing.assert_allclose(
        [row["learning_rate"] for row in rows], [0.3, 0.03, 0.03, 0.03]
    )
    logs = model.evaluate(
        short_runs.TEST.images,
        short_runs.TEST.labels,
        verbose=0,
        return_dict=True,
    )
    np.testing.assert_allclose(rows[-1]["val_nll"], logs["nll"], rtol=1e-5)
    np.testing.assert_allclose(
        rows[-1]["val_accuracy"], logs["accuracy"], rtol=1e-5
    )


def _scalars(folder):
    """Returns {tag: [values by step]} of the TensorBoard events."""
    found = {}
    for path in sorted(folder.glob("*.v2")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.tag.startswith("epoch_"):
                    number = float(tf.make_ndarray(value.tensor))
                    found.setdefault(value.tag, []).append(number)
    return found


def test_tensorboard_has_the_same_scalars(whole):
    folder, _, rows = whole
    for part, prefix in (("train", ""), ("validation", "val_")):
        scalars = _scalars(folder / "tensorboard" / part)
        for name in ("accuracy", "loss", "nll"):
            np.testing.assert_allclose(
                scalars[f"epoch_{name}"],
                [row[prefix + name] for row in rows],
                rtol=1e-6,
            )


class _Extra(keras.callbacks.Callback):
    """Adds a number to the logs of the second epoch only."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            logs["corrupted/nll"] = 0.5


@pytest.fixture(scope="module")
def seldom_saved(tmp_path_factory):
    """The folder of a run of three epochs, saved every second epoch."""
    folder = tmp_path_factory.mktemp("seldom")
    short_runs.train(
        short_runs.create(), folder, _Extra(), epochs=3, checkpoint_interval=2
    )
    return folder


def test_checkpoints_come_at_the_interval_and_at_the_end(seldom_saved):
    files = (seldom_saved / "checkpoints").iterdir()
    names = sorted(path.name for path in files)
    assert names == ["epoch_000002.npz", "epoch_000003.npz"]


def test_what_callbacks_add_is_recorded(seldom_saved):
    column = [row["corrupted/nll"] for row in short_runs.table(seldom_saved)]
    assert column == ["", "0.5", ""]


def _spoiled(initial_epoch, epochs):
    """Batches whose images are NaN from the third epoch on."""
    good = 2 * short_runs.STEPS
    clean = short_runs.batches(initial_epoch, epochs=epochs).map(
        lambda images, labels: (tf.cast(images, tf.float32) / 255, labels)
    )
    bad = clean.skip(good).map(lambda x, y: (x * float("nan"), y))
    return clean.take(good).concatenate(bad)


def _check_kept(folder, epochs):
    """The last checkpoint is finite, and that of the last good epoch."""
    fresh = short_runs.create(seed=99)
    finished, rows = restore(fresh, folder)
    assert (finished, len(rows)) == (epochs, epochs)
    assert all(np.isfinite(weight).all() for weight in fresh.get_weights())
    if epochs:
        assert len(short_runs.table(folder)) == epochs


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        ({"rate": 1e30}, "loss"),
        # The last step's damage is not visible in its epoch's training loss.
        ({"decay": 1e38, "boundary": short_runs.STEPS - 1}, "val_loss"),
    ],
)
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(
    tmp_path, settings, loss
):
    model = short_runs.create(**settings)
    with pytest.raises(NonFiniteLossError) as caught:
        short_runs.train(model, tmp_path)
    assert isinstance(caught.value, InputError)
    said = re.sub("=(nan|inf) ", "=? ", str(caught.value))
    assert said == (
        f"Expected a finite loss. Received: {loss}=? in epoch 1. Lower "
        "learning_rate; the last checkpoint before it is kept in "
        f"{tmp_path / 'checkpoints'}."
    )
    _check_kept(tmp_path, 0)


def test_images_that_become_nan_stop_and_keep_the_last_good_checkpoint(
    tmp_path,
):
    with pytest.raises(InputError, match="finite images"):
        short_runs.train(short_runs.create(), tmp_path, batches=_spoiled)
    _check_kept(tmp_path, 2)
