"""The shifted sets, pixel by pixel where this is possible by hand."""

import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.data import shifts
from mimo_keras.errors import InputError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 10, 10, 3), dtype=np.uint8)


def examples(images=IMAGES):
    labels = np.arange(len(images)) % 3
    return data.Examples("drawn", images, labels, 3)


def test_all_types_and_levels_in_their_order():
    found = list(data.shifted(examples()))
    wanted = [(t, level) for t in shifts.LEVELS for level in range(1, 6)]
    assert [(s.type, s.level) for s in found] == wanted
    for s in found:
        assert s.examples.images.shape == IMAGES.shape
        assert s.examples.images.dtype == np.uint8
        np.testing.assert_array_equal(s.examples.labels, examples().labels)


def test_translations_go_one_of_four_ways():
    """By 0.3 of 10 pixels: 3 pixels, and nothing is blurred."""
    found = shifts.translation(np.tile(IMAGES[:1], (200, 1, 1, 1)), 0.3)
    one = IMAGES[0]
    ways = {}
    for name, axis, step in (
        *(("right", 1, 3), ("left", 1, -3)),
        *(("down", 0, 3), ("up", 0, -3)),
    ):
        moved = np.roll(one, step, axis)
        gone = slice(0, 3) if step > 0 else slice(-3, None)
        moved[(gone,) if axis == 0 else (slice(None), gone)] = 0
        ways[name] = sum(np.array_equal(x, moved) for x in found)
    assert sum(ways.values()) == 200
    assert min(ways.values()) > 30


def test_the_same_set_whenever_it_is_made():
    for name in shifts.LEVELS:
        first, second = (
            [s.examples.images for s in data.shifted(examples(), [name])]
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_right_angles_move_pixels(turns):
    found = shifts.rotation(IMAGES, 90 * turns)
    wanted = np.rot90(IMAGES, turns, axes=(1, 2))
    assert np.abs(found.astype(int) - wanted).max() <= 1


def test_brightness_and_contrast_by_hand():
    image = np.array([0, 100, 200], np.uint8).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(
        shifts.brightness(image, 0.3).ravel(), [0, 30, 60]
    )
    np.testing.assert_array_equal(
        shifts.contrast(image, 0.5).ravel(), [50, 100, 150]
    )


def test_scale_leaves_a_smaller_image_on_black():
    white = np.full((1, 20, 20, 1), 255, np.uint8)
    [found] = shifts.scale(white, 0.5)[..., 0]
    assert (found[6:14, 6:14] == 255).all()
    assert found[:4].max() == found[:, -4:].max() == 0
    # Half the side: a quarter of the light.
    np.testing.assert_allclose(found.sum() / white.sum(), 0.25, rtol=0.15)


@pytest.mark.parametrize(
    ("images", "types", "match"),
    [
        (np.zeros((2, 5), "float32"), None, "Vectors cannot be shifted"),
        (IMAGES, ["amble"], "translation, rotation"),
    ],
)
def test_bad_input(images, types, match):
    with pytest.raises(InputError, match=match):
        list(data.shifted(examples(images), types))


def test_a_translation_is_by_a_share_of_the_side_that_it_goes_along():
    """Half of 4 rows, or half of 12 columns, go black; the rest moves."""
    one = RNG.integers(1, 256, (4, 12, 1), dtype=np.uint8)
    padded = np.pad(one, ((2, 2), (6, 6), (0, 0)))
    # Up, down, left, right: where the window on the padded image begins.
    corners = [(4, 6), (0, 6), (2, 12), (2, 0)]
    ways = [padded[r : r + 4, c : c + 12] for r, c in corners]
    for found in shifts.translation(np.tile(one, (20, 1, 1, 1)), 0.5):
        assert any(np.array_equal(found, way) for way in ways)
