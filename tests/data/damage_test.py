"""Photographs that cannot be read."""

import dataclasses
import logging

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.data import damage, photographs
from mimo_keras.errors import InputError
from tests.data.numbered import EACH, FILES, write

SPOILT = 8  # Record 2 of the second file.


@pytest.fixture
def spoilt(numbered):
    write(numbered.files[1], range(EACH, 2 * EACH), SPOILT)
    return numbered


@pytest.fixture
def cut(numbered):
    """The third file ends in the middle of its record 4."""
    with open(numbered.files[2], "rb+") as file:
        whole = len(file.read())
        file.truncate(whole - whole // EACH - 20)
    return numbered


def consume(batches):
    return [labels for _, labels in batches]


def test_evaluation_names_file_and_record(spoilt):
    with pytest.raises(InputError) as caught:
        consume(spoilt.evaluation_batches(8))
    message = str(caught.value)
    assert f"{spoilt.files[1]}, record 2 (" in message
    assert "\n" not in message and "skip=True" in message


@pytest.mark.parametrize(
    "text",
    [
        "{{function_node f}} Invalid JPEG data, size 100 [Op:DecodeImage]",
        "Graph execution error:\n\nDetected at node x defined at (most recent "
        'call last):\n  File "a.py", line 1\n\nInvalid JPEG data, size 100\n\t '
        "[[{{node x}}]] [Op:__inference_f_1]",
    ],
    ids=["eager", "graph"],
)
def test_the_reason_is_without_the_stack_of_a_graph(text):
    assert damage._essence(text) == "Invalid JPEG data, size 100"


def test_training_names_file_and_record(spoilt):
    batches = photographs.training_crops(spoilt, 10, seed=1, epochs=1)
    wanted = "part-1.tfrecord, record 2"
    with pytest.raises(InputError, match=wanted), damage.named(spoilt):
        consume(batches.as_numpy_iterator())


def test_a_truncated_file_is_named(cut):
    with pytest.raises(InputError, match="part-2.tfrecord, record 4 .*trunc"):
        consume(cut.evaluation_batches(8))


def test_a_label_out_of_range_is_named(numbered):
    fewer = dataclasses.replace(numbered, num_classes=20)
    with pytest.raises(
        InputError, match=r"part-3.tfrecord, record 2 .label 20 is not"
    ):
        consume(fewer.evaluation_batches(8))


def test_other_errors_stay_what_they_are(numbered):
    with pytest.raises(tf.errors.CancelledError), damage.named(numbered):
        raise tf.errors.CancelledError(None, None, "stopped")


def test_evaluation_skips_and_counts(spoilt, caplog):
    skipping = dataclasses.replace(spoilt, skip=True)
    with caplog.at_level(logging.WARNING):
        labels = np.concatenate(consume(skipping.evaluation_batches(8)))
    wanted = [i for i in range(FILES * EACH) if i != SPOILT]
    np.testing.assert_array_equal(labels, wanted)
    assert len(skipping.skipped) == 1
    assert "part-1.tfrecord, record 2" in caplog.text


def test_a_truncated_file_loses_only_its_end(cut):
    skipping = dataclasses.replace(cut, skip=True)
    labels = np.concatenate(consume(skipping.evaluation_batches(30)))
    assert sorted({*range(30)} - {*labels}) == [16, 17]
    assert len(skipping.skipped) == 2


def test_training_goes_on_with_other_photographs(spoilt):
    skipping = dataclasses.replace(spoilt, skip=True)

    def epoch(seed):
        batches = photographs.training_crops(skipping, 10, seed=seed, epochs=2)
        return list(batches.as_numpy_iterator())

    batches = epoch(3)
    assert [len(labels) for _, labels in batches] == [10] * 6
    for images, labels in batches:
        assert SPOILT not in labels
        shades = images.reshape(10, -1).mean(1)
        np.testing.assert_allclose(shades, 8.0 * labels, atol=2)
    for one, other in zip(batches, epoch(3), strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    assert len(skipping.skipped) == 1  # Only once, however often it was read.


def test_where_skipping_does_not_help_it_is_not_advised(spoilt):
    skipping = dataclasses.replace(spoilt, skip=True)
    with pytest.raises(InputError) as caught, damage.named(skipping):
        raise tf.errors.InvalidArgumentError(None, None, "no good row")
    assert "record 2 (" in str(caught.value)
    assert str(caught.value).endswith("Prepare that data again.")


@pytest.fixture
def hopeless(numbered):
    """A set of which no photograph can be read."""
    for file in numbered.files:
        with open(file, "wb") as stored:
            stored.write(b"not a record" * 99)
    return dataclasses.replace(numbered, skip=True)


def test_a_set_without_any_photograph_is_one_line(hopeless):
    wanted = "30 that cannot; the first is .*part-0.tfrecord, record 0 .the fi"
    with pytest.raises(InputError, match=wanted) as caught:
        consume(hopeless.evaluation_batches(8))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=wanted), damage.named(hopeless):
        list(hopeless.weighted_batches(8))
    assert len(hopeless.skipped) == 30


def test_a_batch_without_any_photograph_is_one_line(numbered):
    """Not a division by zero, nor an error of the whole set."""
    for file in numbered.files[1:]:
        open(file, "wb").close()
    few = dataclasses.replace(numbered, skip=True)
    batches = photographs.training_crops(few, 3, seed=1, epochs=1)
    with (
        pytest.raises(
            InputError,
            match="in every batch of numbered .*part-1.tfrecord, rec",
        ) as caught,
        damage.named(few),
    ):
        consume(batches.as_numpy_iterator())
    assert "\n" not in str(caught.value)
    labels = np.concatenate(consume(few.evaluation_batches(4)))
    np.testing.assert_array_equal(labels, range(EACH))


def test_another_set_is_not_blamed(hopeless, tmp_path):
    """Both are read in one block, as by training with validation."""
    write(str(tmp_path / "good.tfrecord"), range(EACH), 2)
    good = dataclasses.replace(
        hopeless, files=(str(tmp_path / "good.tfrecord"),), lengths=(EACH,)
    )
    with (
        pytest.raises(InputError, match="30 that cannot"),
        damage.named(hopeless),
        damage.named(good),
    ):
        list(hopeless.weighted_batches(8))


def test_good_rows_replace_bad_ones_in_turn():
    good = np.array([False, True, False, True, False, False])
    found, labels = damage.replaced(
        tf.range(6) * 10, tf.range(6), tf.constant(good)
    )
    np.testing.assert_array_equal(labels, [1, 1, 1, 3, 1, 3])
    np.testing.assert_array_equal(found, 10 * labels)


def test_what_fills_up_or_is_skipped_weighs_nothing(spoilt):
    skipping = dataclasses.replace(spoilt, skip=True)
    batches = list(skipping.weighted_batches(16).as_numpy_iterator())
    labels, weights = (
        np.concatenate([batch[i] for batch in batches]) for i in (1, 2)
    )
    assert len(labels) == 32
    wanted = np.full(32, 32 / 30, np.float32)
    wanted[[SPOILT, 30, 31]] = 0
    np.testing.assert_allclose(weights, wanted)
    kept = np.arange(30) != SPOILT
    np.testing.assert_array_equal(labels[:30][kept], np.arange(30)[kept])


def test_files_of_their_own(tmp_path):
    paths = [str(tmp_path / name) for name in ("a.png", "b.jpg", "c.png")]
    pixels = np.zeros((3, 20, 20, 3), np.uint8)
    pixels[:, 2:-2, 2:-2] = np.array([40, 90, 200])[:, None, None, None]
    tf.io.write_file(paths[0], tf.io.encode_png(pixels[0]))
    tf.io.write_file(paths[1], tf.io.encode_jpeg(pixels[1], quality=100))
    tf.io.write_file(paths[2], "no image")
    found = photographs.Files(
        name="files",
        num_classes=9,
        size=8,
        margin=1,
        border=2,
        paths=tuple(paths),
        labels=np.array([4, 8, 0]),
    )
    with pytest.raises(InputError, match="c.png, record 2 "):
        consume(found.evaluation_batches(3))
    ((images, labels),) = dataclasses.replace(
        found, skip=True
    ).evaluation_batches(3)
    np.testing.assert_array_equal(labels, [4, 8])
    np.testing.assert_allclose(images[0], 40)
    np.testing.assert_allclose(images[1].astype(int), 90, atol=12)
