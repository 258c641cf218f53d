"""Batches of any source are checked before a step sees them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training import checked_sources
from tests.training import networks

EXAMPLES = networks.examples(8)
IMAGES = (EXAMPLES.images / 255).astype("float32")
LABELS = EXAMPLES.labels
HOT = np.eye(3, dtype="float32")[LABELS]
WEIGHTS = np.linspace(0, 2, 8).astype("float32")


def _at(array, index, value):
    copy = np.array(array)
    copy[index] = value
    return copy


class Source(keras.utils.PyDataset):
    def __init__(self, *arrays):
        super().__init__()
        self.arrays, self.ended = arrays, 0

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return tuple(array[rows] for array in self.arrays)

    def on_epoch_end(self):
        self.ended += 1


def _dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def _generator(*arrays):
    return (Source(*arrays)[index] for index in range(2))


SOURCES = [_dataset, Source, _generator]


@pytest.fixture(scope="module")
def shared():
    model = networks.create()
    model.compile("sgd", run_eagerly=True)
    return model


@pytest.fixture
def model(shared):
    """A model whose weights must be the same after the test."""
    before = shared.get_weights()
    yield shared
    for weight, old in zip(shared.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def _refusal(call, *args, **kwargs):
    with pytest.raises(InputError) as caught:
        call(*args, verbose=0, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# In the second batch where a source knows no values before it is read, but
# `fit` would have learned from the first one.
SCALE = "Received: values up to "
BAD = [
    ((255 * IMAGES, LABELS), SCALE),
    ((IMAGES, LABELS + np.float32(0.5)), "Received: label="),
    ((IMAGES, _at(LABELS, 0, 3)), "Received: label=3 "),
    ((IMAGES, _at(LABELS, 3, -1)), "Received: label=-1 "),
    ((IMAGES, _at(LABELS.astype("float32"), 2, np.nan)), "Received: "),
    ((IMAGES, _at(HOT, (1, 1), 1.5)), "Received: "),
    ((IMAGES, HOT / 2), "Received: "),
    ((_at(IMAGES, (0, 1, 0, 0), np.nan), LABELS), "Received: NaN or infinity"),
    ((_at(IMAGES, (3, 0, 0, 1), np.inf), LABELS), "Received: NaN or infinity"),
    ((IMAGES, LABELS, np.array(["a"] * 8)), "Received: dtype="),
    ((IMAGES, LABELS, _at(WEIGHTS, 1, np.nan)), "Received: nan among them."),
    ((IMAGES, LABELS, _at(WEIGHTS, 1, np.inf)), "Received: inf among them."),
    ((IMAGES, LABELS, np.stack([WEIGHTS] * 2, 1)), "Received: shape=("),
    ((IMAGES[..., 0], LABELS), "Received: shape=("),
    ((IMAGES, np.stack([LABELS] * 2, 1)), "Received: shape=("),
    ((EXAMPLES.images.astype("int32"), LABELS), "Received: dtype=int32. "),
    ((IMAGES, np.array(["a"] * 8)), "Received: dtype="),
    ((IMAGES,), "Received: elements (of shape ("),
    ((IMAGES, LABELS, WEIGHTS, WEIGHTS), "Received: elements (of shape ("),
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("arrays", "received"), BAD)
def test_bad_batches_are_refused(model, source, arrays, received):
    assert received in _refusal(model.fit, source(*arrays))
    assert received in _refusal(model.evaluate, source(*arrays))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("arrays", "received"), BAD[::4])
def test_bad_validation_data_are_refused(model, source, arrays, received):
    """Those of a pipeline are read after the first epoch."""
    weights, data = model.get_weights(), source(*arrays)
    message = _refusal(model.fit, IMAGES, LABELS, validation_data=data)
    model.set_weights(weights)
    assert received in message


@pytest.mark.parametrize("source", SOURCES)
def test_a_bad_batch_later_on_is_refused(source):
    model = networks.create()
    model.compile("sgd", run_eagerly=True)
    data = source(IMAGES, _at(LABELS.astype("float32"), 7, 1.5))
    assert "Received: label=1.5 " in _refusal(model.fit, data)


@pytest.mark.parametrize("source", SOURCES)
def test_prediction_checks_images_only(model, source):
    wanted = model.predict(IMAGES, verbose=0)
    found = model.predict(source(IMAGES, LABELS), verbose=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_allclose(
        model.predict(source(IMAGES), verbose=0), wanted, rtol=1e-6
    )
    assert SCALE in _refusal(model.predict, source(255 * IMAGES))
    assert "shape=" in _refusal(model.predict, source(IMAGES[:, :1]))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], HOT])
def test_good_batches_train_as_arrays_do(source, labels):
    models = []
    for data in ((IMAGES, labels, WEIGHTS), (source(IMAGES, labels, WEIGHTS),)):
        model = networks.create(members=3)
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        x, y, weights = (*data, None, None)[:3]
        options = {"sample_weight": weights, "batch_size": 4}
        model.fit(x, y, shuffle=False, verbose=0, **options)
        models.append(model)
    networks.assert_same_weights(*models)


def test_a_py_dataset_is_told_of_the_end_of_an_epoch():
    counts = []
    for make in (networks.create, networks.plain):
        source, model = Source(IMAGES, LABELS), make()
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(source, epochs=2, verbose=0)
        counts.append(source.ended)
    assert counts[0] == counts[1] > 1


def _named():
    parts = {"image": IMAGES, "label": LABELS}
    return tf.data.Dataset.from_tensor_slices(parts).batch(4)


def _of_unknown_rank():
    def read(index):
        x = tf.numpy_function(lambda i: IMAGES[i], [index], tf.float32)
        return x, tf.numpy_function(lambda i: LABELS[i], [index], tf.int64)

    return tf.data.Dataset.range(8).map(read).batch(4)


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (_named, "elements {'image', 'label'}"),
        (lambda: _named().map(lambda x: (x, x["label"])), "elements ({"),
        (_of_unknown_rank, "images of unknown rank"),
        (lambda: _dataset(IMAGES, LABELS).unbatch(), "shape=(2, 3, 2)"),
        (lambda: _dataset(IMAGES, LABELS).take(0), "none"),
        (lambda: iter(()) and (x for x in ()), "none"),
        (lambda: {"image": IMAGES}, "x of type dict"),
        (lambda: 3, "x of type int"),
        (lambda: networks.create, "x of type function"),
        (lambda: None, "x of type NoneType"),
        (lambda: "images", "x of type str"),
    ],
)
def test_other_forms_of_data_are_refused(model, data, received):
    assert f"Received: {received}" in _refusal(model.fit, data())
    assert f"Received: {received}" in _refusal(model.evaluate, data())


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_a_source_that_turns_out_to_be_empty_is_refused(model, method):
    data = _dataset(IMAGES, LABELS).filter(lambda x, y: False)
    message = _refusal(getattr(model, method), data)
    assert message.startswith("Expected a source of at least one batch. ")


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("data", "options", "received"),
    [
        ((IMAGES,), {}, "y=None"),
        ((IMAGES, LABELS[:7]), {}, "7 labels for 8 images"),
        ((IMAGES, LABELS), {"sample_weight": WEIGHTS[:7]}, "7 weights for 8"),
        (
            (IMAGES, LABELS),
            {"sample_weight": _at(WEIGHTS, 1, np.nan)},
            "nan among them",
        ),
        (
            (IMAGES, LABELS),
            {"sample_weight": np.ones((8, 2))},
            "shape=(8, 2)",
        ),
        ((IMAGES, LABELS), {"sample_weight": ["a"] * 8}, "dtype=<U1"),
        ((IMAGES, LABELS), {"batch_size": 0}, "batch_size=0"),
        ((IMAGES, LABELS), {"batch_size": "4"}, "batch_size='4'"),
        (((255 * IMAGES).astype(int).tolist(), LABELS), {}, "dtype=int64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    model, method, data, options, received
):
    message = _refusal(getattr(model, method), *data, **options)
    assert f"Received: {received}" in message


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float16", "bool"])
def test_labels_of_few_bits_are_good(source, dtype):
    """Their dtype does not hold the number of classes, 3000."""
    wide = networks.create(num_classes=3000)
    wide.compile("sgd", run_eagerly=True)
    labels = (LABELS % 2).astype(dtype)
    wanted = wide.evaluate(IMAGES, LABELS % 2, verbose=0)
    found = wide.evaluate(source(IMAGES, labels), verbose=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_any_iterator_is_a_source(model):
    wanted = model.evaluate(IMAGES, LABELS, verbose=0)
    for data in (
        iter(_dataset(IMAGES, LABELS)),
        map(tuple, Source(IMAGES, LABELS)),
    ):
        found = model.evaluate(data, verbose=0)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("weights", [[1, 2], {0: np.nan}, {0: "1"}, "balanced"])
def test_class_weights_are_numbers(model, weights):
    message = _refusal(model.fit, IMAGES, LABELS, class_weight=weights)
    assert f"Received: class_weight={weights!r}. " in message


def test_lists_are_arrays(model):
    wanted = model.evaluate(IMAGES, LABELS, verbose=0)
    found = model.evaluate(IMAGES.tolist(), LABELS.tolist(), verbose=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "large"), [("f2", 6e4), ("f4", 3e38)])
def test_finite_images_are_so_although_their_sum_is_not(dtype, large):
    images = np.full((2, 3), large, dtype)
    assert checked_sources._is_finite(tf.constant(images))
    for bad in (np.nan, np.inf):
        images[1, 0] = bad
        assert not checked_sources._is_finite(tf.constant(images))
