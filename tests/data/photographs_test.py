"""Photographs on disk: their order, their crops, and what can go wrong."""

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.data import crops, photographs, tfds_images
from mimo_keras.errors import InputError

SIZE = 16
FILES, EACH = 5, 6


def jpeg(label):
    """A grey JPEG of a size and a shade of its own."""
    shape = (24 + label % 3, 30, 3)
    return tf.io.encode_jpeg(np.full(shape, 8 * label, np.uint8), quality=100)


@pytest.fixture
def set_of_files(tmp_path):
    """30 photographs, numbered by their labels, in five record files."""
    paths = []
    for index in range(FILES):
        path = str(tmp_path / f"part-{index}.tfrecord")
        with tf.io.TFRecordWriter(path) as writer:
            for label in range(index * EACH, (index + 1) * EACH):
                encoded = jpeg(label).numpy()
                writer.write(bytes([label]) + encoded)
        paths.append(path)

    def parse(record):
        label = tf.cast(tf.io.decode_raw(record, tf.uint8)[0], tf.int64)
        return tf.strings.substr(record, 1, -1), label

    return photographs.Photographs(
        "numbered", tuple(paths), FILES * EACH, FILES * EACH, parse
    )


def epochs_of(found, steps):
    """Labels of each epoch, (epochs, rows), after a look at the pixels."""
    labels = []
    for images, batch in found.as_numpy_iterator():
        assert images.dtype == np.uint8
        shades = images.reshape(len(batch), -1).mean(1)
        np.testing.assert_allclose(shades, 8.0 * batch, atol=2)
        labels.append(batch)
    return np.array(labels).reshape(-1, steps * labels[0].size)


def test_an_epoch_is_every_photograph_once_in_an_order_of_its_own(set_of_files):
    found = photographs.training_crops(set_of_files, 10, SIZE, seed=1, epochs=3)
    assert found.element_spec[0].shape == (10, SIZE, SIZE, 3)
    assert found.cardinality() == 9
    labels = epochs_of(found, 3)
    for epoch in labels:
        assert sorted(epoch) == list(range(FILES * EACH))
    assert len({tuple(epoch) for epoch in labels}) == 3


def test_a_resumed_run_sees_what_the_whole_would_have_seen(set_of_files):
    build = lambda first: photographs.training_crops(  # noqa: E731
        set_of_files, 8, SIZE, seed=3, epochs=3, initial_epoch=first
    )
    whole, rest = (list(build(e).as_numpy_iterator()) for e in (0, 2))
    assert len(whole) == 9 and len(rest) == 3
    for one, other in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_another_seed_is_another_order(set_of_files):
    one, other = (
        epochs_of(
            photographs.training_crops(
                set_of_files, 30, SIZE, seed=s, epochs=1
            ),
            1,
        )
        for s in (1, 2)
    )
    assert (one != other).any()


def test_too_large_a_batch_is_one_line(set_of_files):
    with pytest.raises(InputError, match="at most the 30 photographs"):
        photographs.training_crops(set_of_files, 31, SIZE, seed=0, epochs=1)


def test_evaluation_is_the_middle_in_the_order_on_disk(set_of_files):
    batches = list(photographs.center_batches(set_of_files, 8, SIZE))
    assert [len(labels) for _, labels in batches] == [8, 8, 8, 6]
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels, np.arange(30))
    images = np.concatenate([images for images, _ in batches])
    wanted = [crops.center_crop(jpeg(i), SIZE).numpy() for i in range(30)]
    np.testing.assert_array_equal(images, wanted)


def test_a_prepared_tfds_data_set(tmp_path, write_tfds):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (4, 40, 32, 3), dtype=np.uint8)
    labels = np.array([5, 999, 0, 7])
    write_tfds(tmp_path, "imagenet_v2", {"test": (images, labels)})
    found = photographs.load("imagenet_v2", "test", data_dir=tmp_path, margin=1)
    assert (len(found), found.num_classes) == (4, 1000)
    ((crops_, told),) = photographs.center_batches(found, 4, SIZE)
    np.testing.assert_array_equal(told, labels)
    stored = tfds_images.load("imagenet_v2", "test", data_dir=tmp_path)
    # The middle 32x32 of the stored pixels, at half the size.
    middle = stored.images[:, 4:36].astype(float)
    halves = tf.image.resize(middle, (SIZE, SIZE), "bicubic").numpy()
    np.testing.assert_allclose(crops_, np.clip(halves, 0, 255), atol=2.5)
    with pytest.raises(InputError, match="prepared TFDS data set"):
        photographs.load("imagenet_r", "test", data_dir=tmp_path)
