"""A stopped run resumes and ends as if never stopped."""

import json

import keras
import numpy as np
import pytest

from mimo_keras.training.fit import restore
from tests.training import networks, short_runs


def _timeless(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


class _Stop(Exception):
    """Simulates a kill in these tests."""


class _StopAt(keras.callbacks.Callback):
    """Stops in the middle or at the very end of an epoch."""

    def __init__(self, epoch, step=None):
        super().__init__()
        self.epoch, self.step = epoch, step

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, self.step):
            raise _Stop

    def on_epoch_end(self, epoch, logs=None):
        if self.step is None and epoch == self.epoch:
            raise _Stop


def _seed(folder):
    """Another seed if there is a checkpoint, which must override it."""
    return 99 if any(folder.glob("checkpoints/*")) else 11


@pytest.mark.parametrize(
    ("stops", "interval"),
    [
        # Before the first checkpoint; between two; and twice in one run.
        ([_StopAt(0, 1)], 1),
        ([_StopAt(2, 0), _StopAt(3)], 1),
        pytest.param([_StopAt(3, 1)], 2, marks=pytest.mark.large),
    ],
)
def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(
    whole, tmp_path, stops, interval
):
    for stop in stops:
        model = short_runs.again(_seed(tmp_path))
        with pytest.raises(_Stop):
            short_runs.train(
                model, tmp_path, stop, checkpoint_interval=interval
            )
    model = short_runs.create(_seed(tmp_path))
    rows = short_runs.train(model, tmp_path, checkpoint_interval=interval)
    _, wanted, wanted_rows = whole
    for found, other in (
        (model.variables, wanted.variables),
        (model.optimizer.variables, wanted.optimizer.variables),
    ):
        for one, two in zip(found, other, strict=True):
            np.testing.assert_array_equal(one, two)
    assert _timeless(rows) == _timeless(wanted_rows)
    assert _timeless(short_runs.table(tmp_path)) == _timeless(
        short_runs.table(whole[0])
    )


def test_a_finished_run_trains_no_more(whole):
    folder, wanted, rows = whole
    model = short_runs.create(seed=99)
    assert short_runs.train(model, folder) == json.loads(json.dumps(rows))
    networks.assert_same_weights(model, wanted)


def test_a_lost_table_is_written_again(whole):
    folder, _, rows = whole
    text = (folder / "metrics.csv").read_text()
    (folder / "metrics.csv").unlink()
    short_runs.train(short_runs.create(), folder)
    assert (folder / "metrics.csv").read_text() == text


def test_restore_reads_without_training(whole, tmp_path):
    folder, wanted, rows = whole
    model = short_runs.create(seed=99)
    assert restore(model, folder) == (
        short_runs.EPOCHS,
        json.loads(json.dumps(rows)),
    )
    networks.assert_same_weights(model, wanted)
    assert restore(short_runs.create(), tmp_path) == (0, [])
