"""Crops of encoded photographs whose pixels encode their position."""

import struct

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.data import crops


def photograph(height, width):
    """A JPEG whose red is its row and whose green is its column."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, height)[:, None]
    pixels[..., 1] = np.linspace(0, 255, width)
    return tf.io.encode_jpeg(
        pixels, quality=100, chroma_downsampling=False
    ), pixels


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 64), (64, 64)])
def test_the_center_crop_is_the_middle_seven_eighths(height, width):
    encoded, pixels = photograph(height, width)
    found = crops.center_crop(encoded, 56).numpy()
    top, left = (height - 56) // 2, (width - 56) // 2
    wanted = pixels[top : top + 56, left : left + 56]
    # JPEG is not exact.
    np.testing.assert_allclose(found, wanted.astype(int), atol=4)
    assert found.dtype == np.uint8


def test_images_that_are_cropped_are_not_cropped_twice():
    encoded, pixels = photograph(32, 32)
    found = crops.center_crop(encoded, 32, margin=1).numpy()
    np.testing.assert_allclose(found, pixels.astype(int), atol=4)


def test_training_crops_are_of_the_named_areas_and_aspects():
    encoded, _ = photograph(120, 160)
    areas, aspects, mirrored = [], [], 0
    for index in range(120):
        crop = crops.inception_crop(encoded, (7, index), 32).numpy()
        rows, columns = (crop[..., c].astype(float) for c in (0, 1))
        # Between the centres of the first and the last pixel.
        height = np.ptp(rows.mean(1)) / 255 * 32 / 31
        width = np.ptp(columns.mean(0)) / 255 * 32 / 31
        areas.append(height * width)
        aspects.append(width * 160 / (height * 120))
        mirrored += columns[0, 0] > columns[0, -1]
    assert 0.06 < min(areas) < 0.2 and 0.7 < max(areas) < 1.05
    assert min(aspects) > 0.7 and max(aspects) < 1.42
    assert 40 < mirrored < 80


def test_draws_are_a_function_of_the_seed():
    encoded, _ = photograph(60, 80)

    def draw(index):
        return crops.inception_crop(encoded, (3, index), 16).numpy()

    np.testing.assert_array_equal(draw(5), draw(5))
    assert (draw(5) != draw(6)).any()


def test_they_work_in_a_pipeline():
    encoded, _ = photograph(60, 80)
    images = tf.data.Dataset.from_tensors(encoded).map(
        lambda x: crops.inception_crop(x, (0, 1), 16)
    )
    assert images.element_spec.shape == (16, 16, 3)
    np.testing.assert_array_equal(
        next(iter(images)), crops.inception_crop(encoded, (0, 1), 16)
    )


@pytest.mark.parametrize(("shorter", "side"), [(10, 9), (13, 11), (18, 16)])
def test_the_side_of_a_center_crop_is_rounded_to_the_nearest(shorter, side):
    """Seven eighths of it: 8.75, 11.375 and 15.75 pixels."""
    encoded, pixels = photograph(shorter, shorter + 8)
    found = crops.center_crop(encoded, side).numpy()
    top, left = (shorter - side) // 2, (shorter + 8 - side) // 2
    wanted = pixels[top : top + side, left : left + side]
    np.testing.assert_allclose(found, wanted.astype(int), atol=4)


def _png_that_claims(width, height):
    encoded = tf.io.encode_png(np.zeros((4, 4, 3), np.uint8)).numpy()
    return encoded[:16] + struct.pack(">II", width, height) + encoded[24:]


@pytest.mark.parametrize(
    "size", [(10001, 10000), (20000, 20000), (2**31 - 1, 2**31 - 1), (-1, -1)]
)
def test_a_photograph_of_endless_size_is_not_decoded(monkeypatch, size):
    """Decoding 20000x20000 black pixels would take 1.2 GB on each core."""
    monkeypatch.setattr(tf.io, "decode_image", pytest.fail)
    encoded = _png_that_claims(*(side % 2**32 for side in size))
    with pytest.raises(tf.errors.InvalidArgumentError, match="more pixels"):
        crops.center_crop(tf.constant(encoded), 8)


def test_a_jpeg_of_endless_size_is_not_decoded(monkeypatch):
    monkeypatch.setattr(crops, "MOST_PIXELS", 64 * 96 - 1)
    encoded, _ = photograph(64, 96)
    with pytest.raises(tf.errors.InvalidArgumentError, match="more pixels"):
        crops.inception_crop(encoded, (1, 2), 8)
