"""Photographs on disk: their order, their crops, and what can go wrong."""

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.data import crops, photographs, tfds_images
from mimo_keras.errors import InputError
from tests.data.numbered import EACH, FILES, SIZE, jpeg


def epochs_of(found, steps):
    """Labels of each epoch, (epochs, rows), after a check of the pixels."""
    labels = []
    for images, batch in found.as_numpy_iterator():
        assert images.dtype == np.uint8
        shades = images.reshape(len(batch), -1).mean(1)
        np.testing.assert_allclose(shades, 8.0 * batch, atol=2)
        labels.append(batch)
    return np.array(labels).reshape(-1, steps * labels[0].size)


def test_an_epoch_is_every_photograph_once_in_an_order_of_its_own(numbered):
    found = photographs.training_crops(numbered, 10, seed=1, epochs=3)
    assert found.element_spec[0].shape == (10, SIZE, SIZE, 3)
    assert found.cardinality() == 9
    labels = epochs_of(found, 3)
    for epoch in labels:
        assert sorted(epoch) == list(range(FILES * EACH))
    assert len({tuple(epoch) for epoch in labels}) == 3


def test_a_resumed_run_sees_what_the_whole_would_have_seen(numbered):
    build = lambda first: photographs.training_crops(  # noqa: E731
        numbered, 8, seed=3, epochs=3, initial_epoch=first
    )
    whole, rest = (list(build(e).as_numpy_iterator()) for e in (0, 2))
    assert len(whole) == 9 and len(rest) == 3
    for one, other in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_a_start_in_the_middle_of_an_epoch_decodes_only_the_rest(
    numbered, monkeypatch
):
    decoded = []
    crop = crops.inception_crop

    def counted(*args):
        tf.py_function(lambda: decoded.append(1), [], [])
        return crop(*args)

    monkeypatch.setattr(crops, "inception_crop", counted)
    build = lambda step: photographs.training_crops(  # noqa: E731
        numbered, 8, seed=3, epochs=3, initial_epoch=1, initial_step=step
    )
    whole = list(build(0).as_numpy_iterator())
    decoded.clear()
    rest = list(build(2).as_numpy_iterator())
    assert len(whole) == 6 and len(rest) == build(2).cardinality() == 4
    assert len(decoded) < 8 * 6
    for one, other in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_another_seed_is_another_order(numbered):
    one, other = (
        epochs_of(
            photographs.training_crops(numbered, 30, seed=s, epochs=1),
            1,
        )
        for s in (1, 2)
    )
    assert (one != other).any()


def test_nothing_is_tuned_by_a_thread_that_may_not_end(numbered):
    for batches in (
        photographs.training_crops(numbered, 30, seed=0, epochs=1),
        numbered.weighted_batches(8),
    ):
        assert batches.options().autotune.enabled is False


def test_too_large_a_batch_is_one_line(numbered):
    with pytest.raises(InputError, match="at most the 30 photographs"):
        photographs.training_crops(numbered, 31, seed=0, epochs=1)


def test_evaluation_is_the_middle_in_the_order_on_disk(numbered):
    batches = list(numbered.evaluation_batches(8))
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
    found = photographs.load(
        "imagenet_v2", "test", data_dir=tmp_path, margin=1, size=SIZE
    )
    assert (len(found), found.num_classes) == (4, 1000)
    ((crops_, told),) = found.evaluation_batches(4)
    np.testing.assert_array_equal(told, labels)
    stored = tfds_images.load("imagenet_v2", "test", data_dir=tmp_path)
    # The central 32x32 of the stored pixels, at half the size.
    middle = stored.images[:, 4:36].astype(float)
    halves = tf.image.resize(middle, (SIZE, SIZE), "bicubic").numpy()
    # Noise, and another inverse DCT; a shift by one pixel would be 80.
    difference = abs(crops_ - np.clip(halves, 0, 255))
    assert difference.mean() < 1.5 and difference.max() < 12
    with pytest.raises(InputError, match="prepared TFDS data set"):
        photographs.load("imagenet_r", "test", data_dir=tmp_path)
