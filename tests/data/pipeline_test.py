"""The order of training batches, their seeds, and `fit` on 1 and 2 CPUs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras import data
from mimo_keras.errors import InputError

COUNT, BATCH, EPOCHS = 23, 4, 4
STEPS = COUNT // BATCH

FIRST_OF_EPOCH_0 = [14, 12, 8, 3]
FIRST_OF_EPOCH_1 = [8, 9, 19, 15]


@pytest.fixture(scope="module")
def numbered():
    """Examples whose label, and whose every pixel, is their index."""
    index = np.arange(COUNT)
    images = np.broadcast_to(index[:, None, None, None], (COUNT, 3, 3, 1))
    return data.Examples("numbered", images.astype(np.uint8), index, COUNT)


def _run(examples, seed=5, augment=None, **epochs):
    """Returns all images (S, B, ...) and labels (S, B) of a run."""
    batches = data.training_batches(
        examples, BATCH, seed=seed, augment=augment, **epochs
    )
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.stack(images), np.stack(labels)


def _epochs(labels):
    """Returns the labels of each epoch, (epochs, steps · B)."""
    return labels.reshape(-1, STEPS * BATCH)


def test_every_epoch_draws_each_example_at_most_once(numbered):
    images, labels = _run(numbered, epochs=EPOCHS)
    assert images.shape == (EPOCHS * STEPS, BATCH, 3, 3, 1)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    for epoch in _epochs(labels):
        assert len(set(epoch.tolist())) == STEPS * BATCH
        assert set(epoch.tolist()) <= set(range(COUNT))
    # Each image still has its own label.
    np.testing.assert_array_equal(images[:, :, 1, 2, 0], labels)


def test_each_copy_of_an_image_is_augmented_by_itself(numbered):
    augment = data.augmentation.crop_and_flip(1)
    plain = _run(numbered, epochs=1)[1]
    images, labels = _run(numbered, epochs=1, augment=augment, copies=6)
    np.testing.assert_array_equal(labels, plain)
    assert images.shape == (STEPS, BATCH, 6, 3, 3, 1)
    assert images.dtype == np.uint8
    middle = np.broadcast_to(labels[..., None], images.shape[:3])
    np.testing.assert_array_equal(images[..., 1, 1, 0], middle)
    # Where an image is cropped at the border, zeros are seen.
    borders = (images == 0).reshape(*images.shape[:3], -1)[labels > 0]
    differ = (borders != borders[:, :1]).any(axis=(1, 2))
    assert differ.mean() > 0.9


def test_orders_differ_between_epochs_and_between_seeds(numbered):
    runs = [
        _epochs(_run(numbered, seed=seed, epochs=EPOCHS)[1])
        for seed in (0, 1, -1, 2**40, 2**40 + 1)
    ]
    orders = {tuple(order) for run in runs for order in run.tolist()}
    assert len(orders) == 5 * EPOCHS


def test_every_example_is_as_likely_to_stand_first(numbered):
    """A chi-square statistic of 22 degrees, below its 0.1% quantile."""
    epochs = 690
    batches = data.training_batches(numbered, COUNT, seed=3, epochs=epochs)
    first = [labels[0] for _, labels in batches.as_numpy_iterator()]
    counts = np.bincount(first, minlength=COUNT)
    expected = epochs / COUNT
    assert np.sum((counts - expected) ** 2 / expected) < 48.3


@pytest.mark.parametrize("augment", [None, data.augmentation.crop_and_flip(1)])
def test_a_later_start_continues_bit_for_bit(numbered, augment):
    whole = _run(numbered, epochs=EPOCHS, augment=augment)
    for start in range(EPOCHS):
        rest = _run(
            numbered, epochs=EPOCHS, initial_epoch=start, augment=augment
        )
        for found, wanted in zip(rest, whole, strict=True):
            np.testing.assert_array_equal(found, wanted[start * STEPS :])


def test_a_start_in_the_middle_of_an_epoch_continues_bit_for_bit(numbered):
    seen, steps = [], COUNT // 6

    def augment(images, seed):
        tf.py_function(lambda: seen.append(1), [], [])
        return images

    build = lambda epoch, step: data.training_batches(  # noqa: E731
        numbered,
        6,
        seed=3,
        epochs=3,
        initial_epoch=epoch,
        initial_step=step,
        augment=augment,
    )
    whole = list(build(0, 0).as_numpy_iterator())
    for epoch, step in ((1, 1), (0, steps - 1), (2, 1)):
        seen.clear()
        batches = build(epoch, step)
        rest = list(batches.as_numpy_iterator())
        done = steps * epoch + step
        assert len(rest) == batches.cardinality() == 3 * steps - done
        # Earlier batches are not produced.
        assert len(seen) == len(rest)
        for one, other in zip(rest, whole[done:], strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


def test_the_order_never_moves(numbered):
    """Stored from the first run, so that old checkpoints resume correctly."""
    labels = _run(numbered, seed=7, epochs=2)[1]
    assert labels[0].tolist() == FIRST_OF_EPOCH_0
    assert labels[STEPS].tolist() == FIRST_OF_EPOCH_1


def test_every_step_augments_with_a_seed_of_its_own(numbered):
    def only_seed(images, seed):
        shape = (BATCH, 3, 3, 2)
        return tf.broadcast_to(seed, shape)

    seeds = _run(numbered, epochs=EPOCHS, augment=only_seed)[0]
    distinct = {tuple(seed) for seed in seeds[:, 0, 0, 0].tolist()}
    assert len(distinct) == EPOCHS * STEPS


def test_augmentation_leaves_the_order_alone(numbered):
    augment = data.augmentation.crop_and_flip(0)
    plain, augmented = (
        _run(numbered, epochs=2, augment=how)[1] for how in (None, augment)
    )
    np.testing.assert_array_equal(plain, augmented)


def test_the_size_is_known_and_the_shapes_are_static(numbered):
    batches = data.training_batches(
        numbered, BATCH, seed=0, epochs=7, initial_epoch=3
    )
    assert batches.cardinality().numpy() == 4 * STEPS
    images, labels = batches.element_spec
    assert (images.shape, labels.shape) == ((BATCH, 3, 3, 1), (BATCH,))


def test_nothing_is_tuned_by_a_thread_that_may_not_end(numbered):
    for batches in (
        data.training_batches(numbered, BATCH, seed=0, epochs=2),
        data.weighted_batches(numbered, BATCH),
    ):
        assert batches.options().autotune.enabled is False


def test_images_are_no_part_of_the_functions():
    """A GraphDef is limited to 2 GB, excluding captured tensors."""
    examples = data.fake.images(64, (32, 32, 3), 2, seed=0)
    batches = data.training_batches(examples, 8, seed=0, epochs=1)
    graph = tf.compat.v1.GraphDef.FromString(
        tf.raw_ops.DatasetToGraph(input_dataset=batches._variant_tensor).numpy()
    )
    assert graph.library.ByteSize() < examples.images.nbytes / 4


def _linear():
    """A linear model of two inputs, all weights zero, under plain SGD."""
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    return model


def _twin(batches):
    """Trains the same model by hand: weights (2,) and bias."""
    weights, bias = np.zeros(2), 0.0
    for x, y in batches:
        error = x @ weights + bias - y[:, 0]
        weights -= 0.1 * 2 * (error[:, None] * x).mean(axis=0)
        bias -= 0.1 * 2 * error.mean()
    return weights, bias


@pytest.fixture(scope="module")
def plane():
    x = np.random.default_rng(0).normal(size=(COUNT, 2)).astype(np.float32)
    y = x @ np.array([[2.0], [-1.0]], np.float32) + 0.5
    return data.Examples("plane", x, y, None)


@pytest.mark.parametrize("replicas", [1, 2])
def test_fit_sees_these_batches(plane, two_cpus, replicas):
    strategy = tf.distribute.MirroredStrategy(
        two_cpus[:replicas],
        tf.distribute.ReductionToOneDevice(),
    )
    batches = data.training_batches(
        plane, BATCH, seed=1, epochs=5, initial_epoch=2
    )
    with strategy.scope():
        model = _linear()
    model.fit(
        batches,
        epochs=5,
        initial_epoch=2,
        steps_per_epoch=STEPS,
        shuffle=False,
        verbose=0,
    )
    weights, bias = _twin(batches.as_numpy_iterator())
    kernel, offset = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], weights, rtol=1e-5)
    np.testing.assert_allclose(offset, [bias], rtol=1e-5)
    assert np.abs(weights).min() > 0.3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 24}, "batch_size=24"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"initial_epoch": 3}, "initial_epoch=3"),
        ({"initial_epoch": -1}, "initial_epoch=-1"),
    ],
)
def test_bad_arguments(numbered, changes, message):
    arguments = {"batch_size": BATCH, "seed": 0, "epochs": 2} | changes
    with pytest.raises(InputError, match=message):
        data.training_batches(numbered, **arguments)


def test_evaluation_batches_hold_everything_in_order(numbered):
    batches = list(data.evaluation_batches(numbered, 10))
    assert [len(labels) for _, labels in batches] == [10, 10, 3]
    images, labels = map(np.concatenate, zip(*batches, strict=True))
    np.testing.assert_array_equal(images, numbered.images)
    np.testing.assert_array_equal(labels, numbered.labels)
    assert isinstance(batches[0][0], np.ndarray)


def test_evaluation_batches_refuse_an_empty_batch_at_once(numbered):
    with pytest.raises(InputError, match="batch_size=0"):
        data.evaluation_batches(numbered, 0)


@pytest.mark.parametrize("size", [1, 10, 23, 40])
def test_weighted_batches_are_full_and_count_each_example_once(numbered, size):
    batches = data.weighted_batches(numbered, size)
    assert all(spec.shape[0] == size for spec in batches.element_spec)
    columns = zip(*batches.as_numpy_iterator(), strict=True)
    images, labels, weights = map(np.concatenate, columns)
    filled = [0.0] * (-COUNT % size)
    one = np.float32((COUNT + len(filled)) / COUNT)
    np.testing.assert_array_equal(weights, [one] * COUNT + filled)
    np.testing.assert_array_equal(labels[:COUNT], numbered.labels)
    np.testing.assert_array_equal(images[:, 0, 0, 0], labels)


def test_weighted_batches_evaluate_every_example(plane, two_cpus):
    """The squared errors of the zero model, on any number of CPUs."""
    with tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    ).scope():
        model = _linear()
        model.compile(loss="mse", weighted_metrics=["mse"])
    found = model.evaluate(
        data.weighted_batches(plane, 10), return_dict=True, verbose=0
    )
    for name in ("mse", "loss"):
        np.testing.assert_allclose(
            found[name], np.mean(plane.labels**2), rtol=1e-6
        )


def test_weighted_batches_refuse_an_empty_batch(numbered):
    with pytest.raises(InputError, match="batch_size=0"):
        data.weighted_batches(numbered, 0)
