"""Batches that two devices cannot divide, under JAX."""

import json
import types

import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.training.distribute import uneven
from tests.training import subprocesses

RUN = """
import json
import sys

import keras
import numpy as np
import tensorflow as tf

from tests.training import networks

ROWS, BATCH = 5, 4
examples = networks.examples(ROWS)
arrays = examples.images, examples.labels


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        return tuple(x[index : index + 1] for x in arrays)


def outcome(method):
    model = networks.create(method, backbone=networks.noisy)
    model.compile(keras.optimizers.SGD(0.1))
    weights = np.arange(ROWS) + 1.0
    model.fit(*arrays, BATCH, verbose=0, sample_weight=weights)
    model.fit(
        tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH),
        validation_data=Batches(),
        verbose=0,
    )
    model.fit(Batches(), verbose=0)
    on_batch = [
        function(*(x[:1] for x in arrays))
        for function in (model.train_on_batch, model.test_on_batch)
    ]
    evaluated = model.evaluate(*arrays, BATCH, verbose=0)
    predicted = model.predict(examples.images, BATCH, verbose=0)
    own = model.predictor().predict(examples.images, BATCH, verbose=0)
    values = (*model.get_weights(), on_batch, evaluated, predicted)
    return [np.asarray(x) for x in (*values, own["probabilities"])]


devices = len(keras.distribution.list_devices())
two = keras.distribution.DataParallel()
method = sys.argv[1]
one = outcome(method)
with two.scope():
    shared = outcome(method)
found = [float(np.abs(a.astype(float) - b).max()) for a, b in zip(one, shared)]
print(json.dumps([devices, found]))
"""


def _differences(method):
    pytest.importorskip("jax")
    printed = subprocesses.python(
        RUN,
        method,
        KERAS_BACKEND="jax",
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )
    devices, found = json.loads(printed.splitlines()[-1])
    assert devices == 2
    return found


@pytest.mark.parametrize(
    "method",
    ["mimo", pytest.param("batch_ensemble", marks=pytest.mark.large)],
)
def test_two_devices_end_as_one(method):
    """Also with a last batch of one row, and with batches of one."""
    assert max(_differences(method)) < 1e-5


def test_processes_with_rows_of_their_own_are_one_line():
    devices = [types.SimpleNamespace(process_index=i // 2) for i in range(4)]
    mesh = types.SimpleNamespace(shape={"batch": 4}, devices=np.array(devices))
    sharding = types.SimpleNamespace(mesh=mesh)
    assert uneven._placed(2, sharding, "batch") is sharding
    with pytest.raises(InputError, match="3 rows in each of 2 proc") as caught:
        uneven._placed(3, sharding, "batch")
    assert "\n" not in str(caught.value)
