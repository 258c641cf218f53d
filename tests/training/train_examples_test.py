"""N is found in any data of a known number of images."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training.train_examples import EpochCount, find, images_of_epoch
from tests.training import networks

ROWS, BATCH = 30, 8
IMAGES, LABELS = np.zeros((ROWS, 4, 3)), np.zeros(ROWS)


def single():
    return tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))


def batched(count=ROWS):
    return single().take(count).batch(BATCH)


def joined():
    return batched().concatenate(single().batch(7))


def images():
    return tf.data.Dataset.from_tensor_slices(IMAGES)


def labels():
    return tf.data.Dataset.from_tensor_slices(LABELS)


def zipped():
    return tf.data.Dataset.zip((images().batch(BATCH), labels().batch(BATCH)))


def unknown():
    """Says neither how long it is nor how its batches are made."""
    return batched().filter(lambda *_: True)


def generated():
    spec = tf.TensorSpec((None, 4, 3)), tf.TensorSpec((None,))
    return tf.data.Dataset.from_generator(
        lambda: iter(batched()), output_signature=spec
    )


class Py(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    @property
    def num_batches(self):
        return self.batches

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return IMAGES[rows], LABELS[rows]


class Loader:
    """What N depends on in torch's."""

    def __init__(self, batches=4, **attributes):
        self.dataset, self.batch_size, self.batches = IMAGES, BATCH, batches
        vars(self).update(attributes)

    def __len__(self):
        if self.batches is None:
            raise TypeError("an iterable has no length")
        return self.batches

    def __iter__(self):
        return iter([(IMAGES[:5], LABELS[:5])])


# Functions that return data, further arguments, and N.
KNOWN = {
    "array": (lambda: IMAGES, {}, 30),
    "tensor": (lambda: tf.constant(IMAGES), {}, 30),
    "array, fewer steps": (lambda: IMAGES, {"steps": 2}, 30),
    "share for validation": (lambda: IMAGES, {"validation_split": 0.25}, 22),
    "full batches": (lambda: batched(24), {}, 24),
    "last batch smaller": (lambda: batched(), {}, 30),
    "images only": (lambda: batched().map(lambda x, y: x), {}, 30),
    "more after batching": (
        lambda: (
            batched()
            .shuffle(4)
            .map(lambda x, y: (x + 1, y))
            .cache()
            .prefetch(1)
        ),
        {},
        30,
    ),
    "shuffled before": (lambda: single().shuffle(9).batch(BATCH), {}, 30),
    "last batch dropped": (
        lambda: single().batch(BATCH, drop_remainder=True),
        {},
        24,
    ),
    "one set after another": (
        lambda: batched().concatenate(single().batch(7)).prefetch(1),
        {},
        60,
    ),
    "one of them only full batches": (
        lambda: single().batch(7).concatenate(batched(24).take(2)).cache(),
        {},
        46,
    ),
    "an empty set before": (lambda: batched(0).concatenate(batched()), {}, 30),
    "three sets": (
        lambda: (
            single()
            .batch(4, drop_remainder=True)
            .concatenate(single().batch(7, drop_remainder=True))
            .concatenate(batched())
        ),
        {},
        86,
    ),
    "some of the batches": (lambda: batched().take(2), {}, 16),
    "one with no steps of its own": (lambda: batched(), {"steps": 4}, 30),
    "endless": (lambda: single().repeat().batch(BATCH), {"steps": 3}, 24),
    "repeated batches": (lambda: batched().repeat(), {"steps": 4}, 30),
    "repeated twice": (lambda: batched().repeat(2).prefetch(1), {}, 60),
    "endless before, then repeated": (
        lambda: single().repeat().batch(BATCH).repeat(3),
        {"steps": 5},
        40,
    ),
    "all but the first batch": (lambda: batched().skip(1), {}, 22),
    "none skipped, all taken": (lambda: batched().skip(0).take(-1), {}, 30),
    "every third batch": (lambda: batched().shard(3, 0), {}, 14),
    "joined, some of it": (lambda: joined().take(6), {}, 44),
    "joined, repeated": (lambda: joined().repeat(3), {}, 180),
    "joined, repeated without end": (
        lambda: joined().shuffle(2).repeat(),
        {"steps": 9},
        60,
    ),
    "joined, the end of it": (lambda: joined().skip(4), {}, 30),
    "joined, fewer steps": (lambda: joined(), {"steps": 5}, 37),
    "images and labels batched apart": (
        lambda: zipped().shuffle(2).prefetch(1),
        {},
        30,
    ),
    "as many as the shorter": (
        lambda: tf.data.Dataset.zip(
            (images().batch(BATCH).repeat(), labels().batch(BATCH))
        ),
        {},
        30,
    ),
    "zipped, some of it": (lambda: zipped().skip(2), {}, 14),
    "counted by the user": (
        lambda: (
            unknown()
            .unbatch()
            .apply(tf.data.experimental.assert_cardinality(30))
            .batch(7)
        ),
        {},
        30,
    ),
    "several epochs": (
        lambda: single().repeat(5).batch(BATCH),
        {"steps": 4},
        32,
    ),
    "unknown length": (lambda: unknown(), {"steps": 3}, 24),
    "generated": (lambda: generated(), {"steps": 3}, 24),
    "PyDataset": (lambda: Py(4), {}, 30),
    "PyDataset, more steps": (lambda: Py(4), {"steps": 9}, 30),
    "endless PyDataset": (lambda: Py(None), {"steps": 2}, 16),
    "torch's loader": (lambda: Loader(), {}, 30),
    "its last batch dropped": (lambda: Loader(3, drop_last=True), {}, 24),
    "of some of the images": (lambda: Loader(2, sampler=range(12)), {}, 12),
    "of batches of one's own": (lambda: Loader(3, batch_size=None), {}, 15),
    "of an iterable": (lambda: Loader(None), {"steps": 2}, 16),
    "generator": (lambda: iter(batched()), {"steps": 3, "rows": 8}, 24),
}


@pytest.mark.parametrize("name", KNOWN)
def test_n_is_the_number_of_images_of_an_epoch(name):
    make, options, wanted = KNOWN[name]
    assert find(make(), 2, **options) == wanted


UNKNOWN = {
    "_RepeatDataset": lambda: single().batch(BATCH).repeat(),
    "_BatchDataset": lambda: single().repeat().batch(BATCH),
    "_FilterDataset": lambda: unknown(),
    "Py": lambda: Py(None),
    "generator": lambda: (batch for batch in [(IMAGES, LABELS)]),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_where_it_cannot_be_known_one_line_says_what_to_pass(name):
    with pytest.raises(InputError) as caught:
        find(UNKNOWN[name](), 2, rows=8 if name == "generator" else None)
    assert str(caught.value) == (
        "Expected data of a known number of rows, by which this method's "
        f"loss divides its KL term. Received: x of type {name}, "
        "steps_per_epoch=None. Pass train_examples to create_model, or "
        "steps_per_epoch to fit."
    )


def test_reading_is_avoided_where_the_data_set_says_all():
    read = []

    def note(x, y):
        tf.py_function(lambda: read.append(1), [], [])
        return x, y

    for dataset in (batched().map(note), batched(24).map(note)):
        assert find(dataset, 2) in (24, 30)
    assert find(single().repeat().batch(BATCH).map(note), 2, steps=2) == 16
    assert not read
    assert find(unknown().map(note), 2, steps=2) == 16
    assert len(read) >= 1


def test_a_traced_loop_of_ones_own_needs_it():
    """Without N the KL term would be left out, without a word."""
    model = networks.create(
        "rank1_bnn", backbone="mlp_4", input_shape=(5,), input_scale=None
    )
    model.compile("sgd")
    x, y = np.ones((4, 5), "f"), np.array([0, 1, 2, 0])

    @tf.function(autograph=False)
    def loss():
        return model.compute_loss(x, y, model(x, training=True))

    with pytest.raises(InputError, match="train_examples"):
        loss()
    model.annealing.found(4)
    assert np.isfinite(loss())


class Unequal(keras.utils.PyDataset):
    """Batches of 6, 1, 1 and 6 rows."""

    def __init__(self, sizes=(6, 1, 1, 6)):
        super().__init__()
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, index):
        rows = self.sizes[index]
        return np.ones((rows, 5), "f"), np.zeros(rows, int)


TOLD = (
    "Expected 19 images in an epoch, from its first batch. Received: "
    "14. Pass train_examples=14 to create_model: this method's loss divides "
    "its KL term by it."
)


def told_of(model, *data, **options):
    """Returns what `fit` warns of that is about N."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data, verbose=0, **options)
    texts = [str(one.message) for one in caught]
    return [text for text in texts if "train_examples" in text]


def test_batches_of_unequal_sizes_are_noticed_after_an_epoch():
    model = networks.create(
        "rank1_bnn", backbone="mlp_4", input_shape=(5,), input_scale=None
    )
    model.compile("sgd")
    assert told_of(model, Unequal((6, 1, 6, 1))) == [TOLD]
    assert int(model.annealing.train_examples) == 19


def test_steps_of_a_generator_are_as_large_as_its_first():
    model = networks.create(
        "rank1_bnn", backbone="mlp_4", input_shape=(5,), input_scale=None
    )
    model.compile("sgd")
    batches = Unequal((6, 6, 1, 6, 6, 1))
    read = (batches[step] for step in range(6))
    options = {"steps_per_epoch": 3, "epochs": 2}
    [told] = told_of(model, read, **options)
    assert "18 images in an epoch, from its first batch. Received: 13" in told
    assert int(model.annealing.train_examples) == 18
    assert next(read, None) is None  # No batch was dropped or read ahead.
    with pytest.raises(InputError, match="steps_per_epoch=None"):
        model.fit(batch for batch in [batches[0]])


@pytest.mark.parametrize(
    ("sizes", "told"), [((6, 1, 6, 1), [TOLD]), ((6, 6, 6, 1), [])]
)
def test_an_epoch_has_as_many_images_as_were_found(sizes, told):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=2)
    count = EpochCount(find(Unequal(sizes), 1))
    options = {"callbacks": [count], "validation_data": Unequal((2, 2))}
    assert told_of(model, Unequal(sizes), epochs=2, **options) == told


def test_images_of_all_devices_are_counted(two_cpus):
    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    model.fit(np.ones((14, 5)), np.ones(14), batch_size=6, verbose=0)
    assert images_of_epoch(model) == 14
