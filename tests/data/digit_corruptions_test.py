"""The digits suite: its bytes, its order and what it leaves unchanged."""

import zlib

import numpy as np
import pytest

from mimo_keras.data import digit_corruptions, digits

# CRC-32 of the test images at severities 1 to 5, one after the other. A new
# value is a new suite, whose results do not compare with earlier ones.
CHECKSUMS = {
    "gaussian_noise": 2541379704,
    "shot_noise": 3803188583,
    "impulse_noise": 658298105,
    "speckle_noise": 798335009,
    "gaussian_blur": 4189172966,
    "defocus_blur": 110538975,
    "motion_blur": 1097092430,
    "zoom_blur": 3597233226,
    "brightness": 2859543734,
    "contrast": 1019663320,
    "jpeg_compression": 3530453418,
}


@pytest.fixture(scope="module")
def clean():
    return digits.load("test").images


@pytest.fixture(scope="module")
def suite(clean):
    return {
        kind: np.stack(
            [
                digit_corruptions.corrupt(clean, kind, severity)
                for severity in range(1, 6)
            ]
        )
        for kind in digit_corruptions.SUITE
    }


def test_the_suite_is_the_one_that_was_stored(suite):
    found = {kind: zlib.crc32(sets.tobytes()) for kind, sets in suite.items()}
    assert found == CHECKSUMS


def test_a_second_call_gives_the_same_bytes(clean, suite):
    np.random.seed(1)  # Other random draws in the process do not matter.
    for kind in ("gaussian_noise", "motion_blur"):
        again = digit_corruptions.corrupt(clean, kind, 4)
        np.testing.assert_array_equal(again, suite[kind][3])


def test_distance_to_the_clean_images_rises_with_severity(clean, suite):
    for kind, sets in suite.items():
        distances = np.mean((sets - clean.astype(float)) ** 2, (1, 2, 3, 4))
        assert (np.diff(distances) >= 0).all(), (kind, distances)
        # A root mean square of 5 levels in 255 is visible; at 85 (a third of
        # the range) little of the image is left.
        assert distances[0] > 5**2 and distances[-1] < 85**2, kind


def test_severities_draw_different_noise(clean, suite):
    noise = (suite["gaussian_noise"] - clean.astype(float)).reshape(5, -1)
    middle = (clean.ravel() > 80) & (clean.ravel() < 175)  # Never clipped.
    together = np.corrcoef(noise[:, middle])
    np.testing.assert_allclose(together, np.eye(5), atol=0.05)


def test_constants_run_from_severity_1_to_5():
    image = np.full((1, 8, 8, 1), 100, np.uint8)
    # Offsets .05, .1, .15, .2 and .3 of 255, rounded to even levels at .5.
    expected = [113, 126, 138, 151, 176]
    for severity, level in enumerate(expected, start=1):
        brighter = digit_corruptions.corrupt(image, "brightness", severity)
        assert (brighter == level).all()


def test_levels_are_clipped_and_images_not_written_to():
    white = np.full((1, 8, 8, 1), 250, np.uint8)
    brighter = digit_corruptions.corrupt(white, "brightness", 5)
    assert brighter.dtype == np.uint8 and brighter.shape == white.shape
    assert (brighter == 255).all() and (white == 250).all()


@pytest.mark.parametrize("severity", [0, 6])
def test_there_is_no_severity_0_or_6(severity):
    with pytest.raises(KeyError):
        digit_corruptions.corrupt(
            np.zeros((1, 8, 8, 1), np.uint8), "contrast", severity
        )
