"""Bad data is rejected in one line, before any weight has changed."""

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training import data_checks
from mimo_keras.training.likelihoods import Categorical, Mean
from tests.training import networks

COUNT = 8
EXAMPLES = networks.examples(COUNT)
THREE = Categorical(networks.CLASSES)
ONE_HOT = np.eye(networks.CLASSES, dtype="float32")[EXAMPLES.labels]

RESIZE = "Resize them, or create the model with another input_shape."
KINDS = (
    "Expected one class index for each example, shape (B,), or one-hot labels "
    "of shape (B, 3). Received: shape={}. Compare with num_classes of the "
    "model."
)
INDICES = (
    "Pass class indices, not names: np.unique(labels, return_inverse=True)[1]."
)
NORMALIZE = "Normalize them, or pass class indices of shape (B,)."
FIX = "Fix the labels, or create the model with more num_classes."
REMOVE = "Remove or fix these."


def _at(array, index, value):
    """Returns a copy with one element replaced."""
    copy = np.array(array)
    copy[index] = value
    return copy


FLOATS = (EXAMPLES.images / 255).astype("float32")
BAD_IMAGES = {
    "height": (
        np.zeros((COUNT, 3, 3, 2), np.uint8),
        "Expected images of shape (B, 2, 3, 2). Received: "
        f"shape=(8, 3, 3, 2). {RESIZE}",
    ),
    "rank": (
        np.zeros((COUNT, 12), np.float32),
        "Expected images of shape (B, 2, 3, 2). Received: "
        f"shape=(8, 12). {RESIZE}",
    ),
    "height, width and channels of one image": (
        np.zeros((COUNT, 2, 3), np.float32),
        "Expected images of shape (B, 2, 3, 2). Received: "
        f"shape=(8, 2, 3). {RESIZE}",
    ),
    "nan": (
        _at(_at(FLOATS, (5, 1, 2, 0), np.nan), (6, 0, 0, 0), np.inf),
        "Expected finite images. Received: NaN or infinity in 2 images, "
        f"first at index 5. {REMOVE}",
    ),
}
BAD_LABELS = {
    "above": (
        _at(EXAMPLES.labels, 4, 3),
        f"Expected labels in 0 … 2. Received: label=3 at index 4. {FIX}",
    ),
    "below": (
        _at(EXAMPLES.labels, 2, -1)[:, None],
        f"Expected labels in 0 … 2. Received: label=-1 at index 2. {FIX}",
    ),
    "one-hot": (
        np.concatenate([ONE_HOT, ONE_HOT], axis=1),
        KINDS.format("(8, 6)"),
    ),
    "soft": (
        _at(ONE_HOT, (6, 0), 0.25),
        "Expected one-hot or soft labels: rows of probabilities that sum to 1. "
        f"Received: {_at(ONE_HOT, (6, 0), 0.25)[6].tolist()} at index 6. "
        f"{NORMALIZE}",
    ),
    "nan": (
        _at(EXAMPLES.labels.astype("float32"), 0, np.nan),
        "Expected integer labels in 0 … 2. Received: label=nan at index 0. "
        "Pass class indices.",
    ),
    "names": (
        ["one"] * COUNT,
        f"Expected integer labels in 0 … 2. Received: dtype=<U3. {INDICES}",
    ),
}
BAD = [
    pytest.param(images, EXAMPLES.labels, message, id=f"images-{name}")
    for name, (images, message) in BAD_IMAGES.items()
] + [
    pytest.param(EXAMPLES.images, labels, message, id=f"labels-{name}")
    for name, (labels, message) in BAD_LABELS.items()
]


@pytest.mark.parametrize("input_shape", [(2, 3, 1), (1,)])
def test_a_missing_axis_of_one_is_named(input_shape):
    with pytest.raises(InputError, match=r"Pass x\[\.\.\., None\], with a la"):
        data_checks.check_images((8, *input_shape[:-1]), input_shape)


@pytest.fixture
def model():
    model = networks.create()
    model.compile("sgd")
    return model


@pytest.fixture
def refused(model):
    """A function that expects an exact error and unchanged weights."""

    def refused(message, call, *args, **kwargs):
        before = [np.array(weight) for weight in model.variables]
        with pytest.raises(InputError) as caught:
            call(*args, verbose=0, **kwargs)
        assert str(caught.value) == message
        for weight, old in zip(model.variables, before, strict=True):
            np.testing.assert_array_equal(weight, old)

    return refused


@pytest.mark.parametrize(("images", "labels", "message"), BAD)
def test_arrays(model, refused, images, labels, message):
    refused(message, model.fit, images, labels)
    refused(message, model.evaluate, images, labels)
    refused(
        message,
        model.fit,
        EXAMPLES.images,
        EXAMPLES.labels,
        validation_data=(images, labels),
    )


def test_tensors_are_checked_as_arrays_are(model, refused):
    images, message = BAD_IMAGES["nan"]
    refused(message, model.fit, tf.constant(images), EXAMPLES.labels)
    labels, message = BAD_LABELS["above"]
    refused(message, model.fit, FLOATS, tf.constant(labels))


def _dataset(images, labels):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)


@pytest.mark.parametrize("name", ["height", "rank"])
def test_datasets_of_wrong_images(model, refused, name):
    images, message = BAD_IMAGES[name]
    message = message.replace("=(8,", "=(None,")
    dataset = _dataset(images, EXAMPLES.labels)
    refused(message, model.fit, dataset)
    refused(message, model.evaluate, dataset)
    good = _dataset(EXAMPLES.images, EXAMPLES.labels)
    refused(message, model.fit, good, validation_data=dataset)


def test_datasets_of_labels_of_another_shape(model, refused):
    labels, message = BAD_LABELS["one-hot"]
    message = message.replace("=(8,", "=(None,")
    refused(message, model.fit, _dataset(EXAMPLES.images, labels))


def test_prediction_refuses_wrong_images_in_one_line(model, refused):
    images, message = BAD_IMAGES["height"]
    refused(message, model.predict, images)
    with pytest.raises(InputError) as caught:
        model(images)
    assert str(caught.value) == message


def test_integers_that_are_no_bytes_are_refused_in_one_line(model, refused):
    refused(
        "Expected images of dtype uint8 (0 to 255) or float. Received: "
        "dtype=int32. Cast them to one of these, or set "
        "input_scale: '0..255' for images, None for token ids and tables.",
        model.fit,
        EXAMPLES.images.astype("int32"),
        EXAMPLES.labels,
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
def test_labels_of_any_whole_kind_are_taken(dtype):
    labels = EXAMPLES.labels.astype(dtype)
    for given in (labels, labels[:, None], labels.tolist()):
        data_checks.check_data(EXAMPLES.images, given, networks.IMAGE, THREE)


@pytest.mark.parametrize(
    ("targets", "output_dim", "received"),
    [
        (np.zeros((4, 3)), 2, "shape=(4, 3)"),
        (np.zeros((4, 1)), 2, "shape=(4, 1)"),
        (np.zeros(4), 2, "shape=(4,)"),
        (
            np.array([[0.0, 1.0], [np.nan, 1.0]]),
            2,
            "NaN or infinity in 1 targets, first at index 1",
        ),
    ],
)
def test_regression_targets(targets, output_dim, received):
    images = np.zeros((len(targets), 5), np.float32)
    with pytest.raises(InputError) as caught:
        data_checks.check_data(images, targets, (5,), Mean(output_dim))
    assert f"Received: {received}. " in str(caught.value)


@pytest.mark.parametrize("targets", [np.zeros((4, 1)), np.zeros(4)])
def test_one_target_needs_no_axis_of_its_own(targets):
    data_checks.check_data(np.zeros((4, 5)), targets, (5,), Mean(1))


def test_bfloat16_is_a_float():
    """NumPy does not know its kind."""
    images = np.zeros((COUNT, 5), "bfloat16")
    for labels in (EXAMPLES.labels, EXAMPLES.labels[:, None], ONE_HOT):
        given = labels.astype("bfloat16")
        data_checks.check_data(images, given, (5,), THREE, images[:, 0])
    data_checks.check_data(images, images[:, 0], (5,), Mean(1))
    with pytest.raises(InputError, match="label=[345].0 at index 0"):
        THREE.check_targets(EXAMPLES.labels.astype("bfloat16") + 3)
    images[2] = np.nan
    with pytest.raises(InputError, match="in 1 rows, first at index 2"):
        data_checks.check_data(images, labels, (5,), THREE)


def test_a_side_may_be_unknown():
    data_checks.check_images((None, None, 6, 3), (8, None, 3))


def test_a_batch_has_a_row_for_each_device():
    data_checks.check_batch_size(2, 2)
    data_checks.check_batch_size(None, 32)
    with pytest.raises(InputError) as caught:
        data_checks.check_batch_size(3, 4)
    assert str(caught.value) == (
        "Expected at least one row per batch for each of the 4 devices. "
        "Received: batch_size=3. Use a larger batch_size, or fewer devices."
    )


def test_what_no_array_can_be_made_of():
    with pytest.raises(InputError, match="Received: list .setting an array"):
        data_checks.numbers([[1, 2], [3]])
    (listed,) = data_checks.arrays([[1, 2], [3]])
    assert listed.dtype == object and listed.shape == (2,)


@pytest.mark.parametrize(
    ("input_shape", "shape", "message"),
    [
        (
            (30,),
            (64, 29),
            "Expected rows of shape (B, 30). Received: shape=(64, 29). Pass "
            "the columns that the model has, or create the model with another "
            "input_shape.",
        ),
        (
            (30,),
            (30,),
            "Expected rows of shape (B, 30). Received: shape=(30,). Pass a "
            "batch: x[None] for one row, dataset.batch(32) for a data set.",
        ),
        (
            (30,),
            (0, 30),
            "Expected rows of shape (B, 30). Received: shape=(0, 30). Pass at "
            "least one row.",
        ),
        (
            (9, 2),
            (5, 8, 2),
            "Expected series of shape (B, 9, 2). Received: shape=(5, 8, 2). "
            "Cut or pad them, or create the model with another input_shape.",
        ),
    ],
)
def test_tables_and_series_are_not_called_images(input_shape, shape, message):
    with pytest.raises(InputError) as caught:
        data_checks.check_images(shape, input_shape)
    assert str(caught.value) == message


def test_a_table_s_other_faults_are_those_of_rows():
    bad = _at(np.zeros((COUNT, 3)), (2, 1), np.nan)
    labels = EXAMPLES.labels
    for x, y, message in (
        (bad, labels, "Expected finite rows. Received: NaN or infinity in 1 r"),
        (np.ones((COUNT, 3)), None, "Expected labels for the rows"),
        (np.ones((COUNT, 3)), labels[:5], "5 labels for 8 rows"),
    ):
        with pytest.raises(InputError) as caught:
            data_checks.check_data(x, y, (3,), THREE)
        assert message in str(caught.value)
