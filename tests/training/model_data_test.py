"""The same images give the same model, from any source."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from tests.training import networks

COUNT, BATCH = 16, 4
MIMO = {"members": 3, "batch_repetitions": 2}


@pytest.fixture(scope="module")
def examples():
    return networks.examples(COUNT)


class Source(keras.utils.PyDataset):
    """The examples in order, as Keras reads them from Python."""

    def __init__(self, examples):
        super().__init__()
        self.examples = examples

    def __len__(self):
        return COUNT // BATCH

    def __getitem__(self, index):
        part = self.examples.subset(slice(index * BATCH, (index + 1) * BATCH))
        return part.images, part.labels


def _dataset(examples):
    both = (examples.images, examples.labels)
    return tf.data.Dataset.from_tensor_slices(both).batch(BATCH)


def _generator(examples):
    return (Source(examples)[index] for index in range(COUNT // BATCH))


def _trained(*data, compile_options=None, model_options=None, **options):
    model = networks.create(**MIMO, **(model_options or {}))
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), **(compile_options or {})
    )
    options = {"shuffle": False, "verbose": 0} | options
    model.fit(*data, **options)
    return model


@pytest.fixture(scope="module")
def from_arrays(examples):
    """A model trained on arrays, which tests must not train further."""
    return _trained(examples.images, examples.labels, batch_size=BATCH)


@pytest.mark.parametrize("source", [_dataset, Source, _generator])
def test_sources(examples, from_arrays, source):
    model = _trained(source(examples))
    networks.assert_same_weights(model, from_arrays)
    fresh = networks.create(**MIMO)
    moved = np.abs(fresh.get_weights()[0] - model.get_weights()[0])
    assert moved.max() > 0.01


def test_labels_in_a_column_are_labels(examples, from_arrays):
    model = _trained(
        examples.images, examples.labels[:, None], batch_size=BATCH
    )
    networks.assert_same_weights(model, from_arrays)


def test_several_steps_in_one_call_are_the_same_steps(examples, from_arrays):
    model = _trained(
        examples.images,
        examples.labels,
        batch_size=BATCH,
        compile_options={"steps_per_execution": 4},
    )
    networks.assert_same_weights(model, from_arrays)


def test_a_dataset_gives_the_metrics_of_arrays(examples, from_arrays):
    found, wanted = (
        from_arrays.evaluate(*data, verbose=0)
        for data in (
            (_dataset(examples),),
            (examples.images, examples.labels, BATCH),
        )
    )
    assert found == wanted


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float32", 1e-6), ("mixed_bfloat16", 5e-3)]
)
def test_bytes_and_floats_are_the_same_images(examples, policy, tolerance):
    """Under mixed precision too: nothing is cast before centring."""
    keras.config.set_dtype_policy(policy)
    options = {"mean": [0.45, 0.5], "std": [0.2, 0.25]}
    floats = examples.images.astype("float32") / 255
    untrained = networks.create(**options)
    logits = untrained(floats)
    assert logits.dtype == "float32"
    np.testing.assert_array_equal(logits, untrained(examples.images))
    models = [
        _trained(
            images, examples.labels, batch_size=BATCH, model_options=options
        )
        for images in (examples.images, floats)
    ]
    networks.assert_same_weights(*models, rtol=0, atol=tolerance)


def test_images_are_standardized_by_channel(examples):
    """A model with mean and std equals one without, on standardized images."""
    mean, std = np.array([0.3, 0.6]), np.array([0.5, 0.2])
    model = networks.create(mean=mean, std=std)
    plain = networks.create()
    scaled = ((examples.images / 255 - mean) / std).astype("float32")
    np.testing.assert_allclose(
        model(examples.images), plain(scaled), rtol=1e-5, atol=1e-5
    )


def test_outputs_are_in_the_order_of_the_classes():
    """Each of three uniform images is learned as its own class."""
    images = np.zeros((90, *networks.IMAGE), np.float32)
    labels = np.arange(90) % 3
    images[labels == 2, ..., 0] = 1.0
    images[labels == 1, ..., 1] = 1.0
    model = networks.create(members=2, input_repetition_probability=0.3)
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(images, labels, batch_size=10, epochs=12, verbose=0)
    logits = np.array(model(images[:3]))
    np.testing.assert_array_equal(
        logits.argmax(axis=-1), [[0, 0], [1, 1], [2, 2]]
    )
    probabilities = np.array(model.predictor()(images[:3])["probabilities"])
    assert np.diag(probabilities).min() > 0.8


def test_a_compiled_step_trains(examples):
    """XLA, which Keras uses on GPUs, draws different rows."""
    model = _trained(
        examples.images,
        examples.labels,
        batch_size=BATCH,
        epochs=20,
        compile_options={"jit_compile": True, "l2": 1e-4},
        model_options={"input_repetition_probability": 0.4},
    )
    nll = model.history.history["nll"]
    assert nll[-1] < 0.6 * nll[0]


@pytest.mark.parametrize("source", ["arrays", "dataset"])
def test_equal_copies_of_the_images_train_as_the_images_do(examples, source):
    images = examples.images[:16]
    copies = np.repeat(images[:, None], 6, axis=1)
    models = []
    for x in (images, copies):
        data = (x, examples.labels[:16])
        if source == "dataset":
            data = (tf.data.Dataset.from_tensor_slices(data).batch(8),)
        model = networks.create(**networks.OPTIONS)
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(*data, batch_size=8, shuffle=False, verbose=0)
        models.append(model)
    networks.assert_same_weights(*models)


def test_as_many_copies_as_a_step_sees_and_only_in_training(examples):
    model = networks.create(**networks.OPTIONS)
    model.compile(keras.optimizers.SGD(0.1))
    labels = examples.labels[:4]
    for count, step in [(5, model.train_on_batch), (6, model.test_on_batch)]:
        copies = np.repeat(examples.images[:4, None], count, axis=1)
        wanted = (
            rf"Expected images of shape \(B, 2, 3, 2\).*4, {count}, 2, 3, 2"
        )
        with pytest.raises(InputError, match=wanted):
            step(copies, labels)
