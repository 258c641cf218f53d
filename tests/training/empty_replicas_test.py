"""A last batch smaller than the number of replicas."""

import keras
import numpy as np
import pytest

from mimo_keras.training import empty_replicas
from tests.methods import small

pytestmark = pytest.mark.tensorflow

ROWS, BATCH = 5, 4  # One row is left for two replicas.


class Batches(keras.utils.PyDataset):
    """Batches of arrays, the small one first."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return -(-ROWS // BATCH)

    def __getitem__(self, index):
        first = (len(self) - 1 - index) * BATCH
        return tuple(x[first : first + BATCH] for x in self.arrays)


def as_dataset(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)


@pytest.fixture(scope="module")
def models(request, two_cpus):
    """One model on two replicas, and one with its weights on one device."""
    import tensorflow as tf

    def made(**options):
        model = small.create(request.param, "small_cnn", 2)
        model.compile(keras.optimizers.SGD(0.01), **options)
        return model

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        two = made()
    return two, made(**small.step_by_step())


SOURCES = {
    "arrays": lambda *arrays: (arrays, {"batch_size": BATCH}),
    "dataset": lambda *arrays: ((as_dataset(*arrays),), {}),
    "pydataset": lambda *arrays: ((Batches(*arrays),), {}),
}


@pytest.mark.parametrize(
    ("models", "source"),
    [
        ("mimo", "arrays"),
        ("mimo", "dataset"),
        pytest.param("mimo", "pydataset", marks=pytest.mark.large),
        pytest.param("batch_ensemble", "dataset", marks=pytest.mark.large),
    ],
    indirect=["models"],
)
def test_two_replicas_end_with_numbers_and_evaluate_as_one(models, source):
    two, one = models
    images, labels = small.examples(two, ROWS)
    arguments, options = SOURCES[source](images, labels)
    before = two.get_weights()
    losses = two.fit(*arguments, **options, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    after = two.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))
    one.set_weights(after)
    found, wanted = (
        m.evaluate(*arguments, **options, verbose=0) for m in models
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    arguments, options = SOURCES[source](images)
    rows = two.predict(*arguments, **options, verbose=0)
    if source == "pydataset":
        rows = np.concatenate([rows[1:], rows[:1]])
    small.assert_close(rows, one(images))


def test_nothing_is_seen_of_the_blank_image(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(empty_replicas, "replica_count", lambda: 2)
    seen = []

    def doubled(x):
        seen.append(tf.shape(x)[0])
        return {"y": tf.repeat(2 * x, 3, axis=0)}

    @tf.function(input_signature=[tf.TensorSpec((None, 2))])
    def call(x):
        outputs = empty_replicas.safely(doubled, x, repetitions=3)
        return outputs["y"], seen[-1]

    for rows in (0, 1, 4):
        outputs, count = call(np.ones((rows, 2), "float32"))
        np.testing.assert_array_equal(outputs, np.full((3 * rows, 2), 2))
        assert count == max(rows, 1)
