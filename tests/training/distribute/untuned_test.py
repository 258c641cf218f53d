"""What is read from arrays is read by iterators that tf.data does not tune."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.data.ops import iterator_ops, multi_device_iterator_ops

from mimo_keras import keras_internals
from mimo_keras.training.distribute import make_strategy
from tests.training import networks


@pytest.fixture
def tuned(monkeypatch):
    """Whether tf.data tunes each iterator that the test makes."""
    found = []
    for made in (
        iterator_ops.OwnedIterator,
        multi_device_iterator_ops.OwnedMultiDeviceIterator,
    ):
        create = made.__init__

        def recorded(self, dataset=None, *rest, create=create, **options):
            if dataset is not None:
                found.append(dataset.options().autotune.enabled is not False)
            create(self, dataset, *rest, **options)

        monkeypatch.setattr(made, "__init__", recorded)
    return found


@pytest.mark.parametrize("replicas", [1, 2])
def test_arrays_are_read_untuned(two_cpus, tuned, replicas):
    """Also their validation, and by each device of a strategy."""
    strategy = tf.distribute.get_strategy()
    if replicas > 1:
        strategy = make_strategy(num_cores=replicas)
    with strategy.scope():
        model = networks.create()
        model.compile("sgd")
    arrays = networks.examples(8)
    images, labels = arrays.images, arrays.labels
    pair = (images, labels)
    model.fit(*pair, batch_size=4, epochs=2, validation_data=pair, verbose=0)
    model.evaluate(*pair, verbose=0)
    found = model.predict(images, batch_size=4, verbose=0)
    assert tuned
    assert not any(tuned)
    np.testing.assert_allclose(found, model(images), rtol=1e-5, atol=1e-6)


def test_keras_makes_one_dataset_of_arrays_for_each_reading(monkeypatch):
    source = keras_internals.array_source(np.ones((1, 1)), 1, tf.data.Options())
    adapter = type(source).__base__  # Keras's own.
    make, made = adapter.get_tf_dataset, []

    def counted(self):
        made.append(self)
        return make(self)

    model = networks.create()
    model.compile("sgd")
    arrays = networks.examples(4)
    monkeypatch.setattr(adapter, "get_tf_dataset", counted)
    model.evaluate(arrays.images, arrays.labels, verbose=0)
    assert len(made) == 1


def test_what_python_yields_is_read_untuned(tuned):
    model = networks.create()
    model.compile("sgd")
    arrays = networks.examples(8)
    batches = iter([(arrays.images, arrays.labels)])
    model.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
    assert tuned == [False]


def test_a_data_set_keeps_its_own_options(tuned):
    model = networks.create()
    model.compile("sgd")
    arrays = networks.examples(8)
    batches = tf.data.Dataset.from_tensors((arrays.images, arrays.labels))
    model.fit(batches, shuffle=False, verbose=0)
    assert tuned
    assert all(tuned)
