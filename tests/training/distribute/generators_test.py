"""A generator's batches are all seen by several devices, each once."""

import keras
import numpy as np
import pytest

from mimo_keras.training.train_examples import images_of_epoch
from tests.training import networks

pytestmark = pytest.mark.tensorflow
ROWS, BATCH = 21, 4  # Keras alone saw two of the six batches.
EXAMPLES = networks.examples(24)


def batches(rows=ROWS):
    for first in range(0, rows, BATCH):
        part = slice(first, min(first + BATCH, rows))
        yield EXAMPLES.images[part], EXAMPLES.labels[part]


@pytest.fixture(scope="module", params=["one", "two"])
def model(request, two_cpus):
    import tensorflow as tf

    devices = two_cpus[: 1 if request.param == "one" else 2]
    with tf.distribute.MirroredStrategy(
        devices, tf.distribute.ReductionToOneDevice()
    ).scope():
        model = networks.create()
        model.compile(keras.optimizers.SGD(0.0))
    return model


def test_evaluate_sees_all_batches(model):
    given = EXAMPLES.images[:ROWS], EXAMPLES.labels[:ROWS]
    wanted = model.evaluate(*given, batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(
        model.evaluate(batches(), verbose=0), wanted, rtol=1e-5
    )
    assert images_of_epoch(model) == ROWS


def test_fit_sees_all_batches(model):
    model.fit(batches(), verbose=0)
    assert images_of_epoch(model) == ROWS
    held = EXAMPLES.images[:8], EXAMPLES.labels[:8]
    model.fit(*held, validation_data=batches(), verbose=0)
    assert images_of_epoch(model) == ROWS
    left = batches(24)
    model.fit(left, steps_per_epoch=2, epochs=3, verbose=0)
    assert images_of_epoch(model) == 8 and next(left, None) is None
