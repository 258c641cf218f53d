"""Noise, tone and JPEG against moments, hand-worked values and a DCT."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import fft

from mimo_keras.data import pixel_corruptions

# Annex K of the JPEG standard (ITU-T T.81), table K.1: luminance.
JPEG_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


def grey(level, n=400):
    return np.full((n, 8, 8), float(level))


def stream():
    return np.random.RandomState(3)


@pytest.mark.parametrize("level", [51, 204])
@pytest.mark.parametrize(
    ("operation", "constant", "deviation"),
    [
        (pixel_corruptions.gaussian_noise, 0.1, lambda x: 0.1),
        (pixel_corruptions.speckle_noise, 0.2, lambda x: 0.2 * x),
        # A Poisson count of mean cx has the variance cx; over c it is x / c.
        (pixel_corruptions.shot_noise, 50, lambda x: np.sqrt(x / 50)),
    ],
)
def test_noise_has_the_published_mean_and_deviation(
    operation, constant, deviation, level
):
    noisy = operation(grey(level), stream(), constant) / 255
    expected = deviation(level / 255)
    # 25,600 draws: 4 standard errors of the mean and of the deviation.
    assert abs(noisy.mean() - level / 255) < 4 * expected / 160
    assert noisy.std() == pytest.approx(expected, rel=4 / (160 * np.sqrt(2)))


def test_multiplicative_noise_keeps_black():
    for operation, constant in (
        (pixel_corruptions.speckle_noise, 0.2),
        (pixel_corruptions.shot_noise, 50),
    ):
        assert not operation(grey(0), stream(), constant).any()


def test_shot_noise_counts_whole_photons():
    photons = 75
    noisy = pixel_corruptions.shot_noise(grey(100), stream(), photons)
    counts = noisy * photons / 255
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-9)


def test_impulse_noise_replaces_the_given_part_by_black_and_white():
    noisy = pixel_corruptions.impulse_noise(grey(100), stream(), 0.07)
    black, white = (noisy == 0).mean(), (noisy == 255).mean()
    # 0.035 of 25,600 pixels each, within 5 standard deviations.
    assert abs(black - 0.035) < 5 * np.sqrt(0.035 * 0.965 / noisy.size)
    assert abs(white - 0.035) < 5 * np.sqrt(0.035 * 0.965 / noisy.size)
    assert (noisy == 100).mean() == pytest.approx(1 - black - white)


def test_brightness_adds_the_offset():
    images = np.array([[[0.0, 100.0], [200.0, 255.0]]])
    brighter = pixel_corruptions.brightness(images, None, 0.2)
    np.testing.assert_allclose(brighter, [[[51, 151], [251, 306]]])


def test_contrast_draws_each_image_to_its_own_mean():
    images = np.array([[[0.0, 40.0]], [[100.0, 200.0]]])
    flat = pixel_corruptions.contrast(images, None, 0.3)
    # Means 20 and 150: 20 ± 0.3 · 20 and 150 ± 0.3 · 50.
    np.testing.assert_allclose(flat, [[[14, 26]], [[135, 165]]])


@pytest.mark.parametrize(
    ("quality", "percent"), [(80, 40), (65, 70), (40, 125)]
)
def test_jpeg_rounds_the_cosine_transform(quality, percent):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, size=(50, 8, 8)).astype(float)
    # libjpeg scales table K.1 by 200 − 2q percent from quality 50 on, by
    # 5000 / q below, and a grey 8x8 image is one block of the transform.
    table = (JPEG_LUMINANCE * percent + 50) // 100
    blocks = fft.dctn(images - 128, axes=(1, 2), norm="ortho")
    rounded = np.rint(blocks / table) * table
    twin = fft.idctn(rounded, axes=(1, 2), norm="ortho") + 128
    decoded = pixel_corruptions.jpeg_compression(images, None, quality)
    # A coefficient next to a tie may go the other way in libjpeg's integers,
    # which changes that whole image a little.
    farthest = np.abs(decoded - np.clip(twin, 0, 255)).max(axis=(1, 2))
    assert np.mean(farthest <= 1) > 0.7
    assert farthest.max() < table.max()


@pytest.mark.parametrize("shape", [(9, 8, 8), (9, 16, 12), (9, 10, 8)])
@pytest.mark.parametrize("tallest", [10, 40, 65_500])
def test_jpeg_files_that_images_share_change_none(shape, tallest, monkeypatch):
    monkeypatch.setattr(pixel_corruptions, "_TALLEST", tallest)
    draw = np.random.RandomState(0)
    images = draw.randint(0, 256, shape).astype(np.float64)
    whole = pixel_corruptions.jpeg_compression(images, None, 50)
    for image, found in zip(images, whole, strict=True):
        alone = io.BytesIO()
        Image.fromarray(image.astype(np.uint8)).save(alone, "JPEG", quality=50)
        np.testing.assert_array_equal(found, np.asarray(Image.open(alone)))
