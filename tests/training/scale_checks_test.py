"""Images of another scale than the model's are refused."""

import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import StandardizeImages
from mimo_keras.layers.standardize_images import UNSTATED
from mimo_keras.training.scale_checks import check_scale, measured

DRAW = np.random.default_rng(0)
BYTES = DRAW.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
UNIT = (BYTES / 255).astype("float32")
SCORES = DRAW.normal(size=(50, 8)).astype("float32")
SCORES[7] = 40.0  # An outlier.
DARK = np.zeros((2, 10, 10, 1), "float32")
DARK[:, 4, 4:8] = 40.0
OF_BYTES = {"mean": [120.0] * 3, "std": [60.0] * 3}


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (BYTES, {}),
        (BYTES, {"mean": 0.5, "std": 0.01}),
        (BYTES.astype("float32"), {"input_scale": "0..255"}),
        (BYTES.astype("int64"), {"input_scale": "0..255"}),
        (BYTES.astype("float32"), OF_BYTES),
        (UNIT, {"mean": 0.5, "std": 0.01}),
        (SCORES, {}),
        (np.zeros((2, 3), "float32"), OF_BYTES),
        (np.zeros((2, 4), "float32"), {"input_scale": "0..255"}),
        (1000 * SCORES, {"input_scale": None}),
        (DARK, {"input_scale": None}),
        (DARK / 255, {}),
        (DARK[0, ..., 0], {}),  # A table of counts.
        (np.full((2, 3), np.nan, "float32"), {}),
        (np.full((2, 3), np.inf, "float32"), {}),
    ],
)
def test_values_on_the_scale_are_taken(images, options):
    check_scale(images, StandardizeImages(**options))


@pytest.mark.parametrize(
    ("images", "options", "scale", "received"),
    [
        (BYTES.astype("float32"), {}, "0 to 1", "values up to 255"),
        (BYTES.astype("float16"), {"mean": 0.5, "std": 0.25}, "0 to 1", None),
        (BYTES * 255.0, {"input_scale": "0..255"}, "0 to 255", None),
        (UNIT, {"input_scale": "0..255"}, "0 to 255", "values up to 1"),
        (UNIT, OF_BYTES, "0 to 1", "values up to 1"),
        (BYTES, OF_BYTES, "0 to 1", "bytes"),
        # A dark one: its mean is 1.6.
        (DARK, {}, "0 to 1", "values up to 40"),
        # One image among many.
        (
            np.concatenate([UNIT] * 10 + [255 * UNIT[:1]]),
            {},
            "0 to 1",
            None,
        ),
    ],
)
def test_values_far_outside_it_are_refused(images, options, scale, received):
    standardize = StandardizeImages(**options)
    with pytest.raises(InputError) as caught:
        check_scale(images, standardize)
    other = "0..255" if scale == "0 to 1" else "0..1"
    received = received or f"values up to {images.max():.6g}"
    if options is OF_BYTES:
        assert str(caught.value) == (
            "Expected mean and std on the scale of 0 to 1, as "
            f"input_scale='0..1' says. Received: {received}, "
            f"mean={standardize.mean}, std={standardize.std}. Divide them by "
            "255, or create the model with input_scale=None, if they are those "
            "of the values as they are."
        )
        return
    assert str(caught.value) == (
        f"Expected images with values from {scale}, as input_scale="
        f"{standardize.input_scale!r} says. Received: {received}. Scale them, "
        f"or create the model with input_scale={other!r}, or with "
        "input_scale=None if they are no intensities."
    )


@pytest.mark.parametrize("shape", [(20,), (5, 4)])
def test_tables_and_series_are_told_to_leave_the_scale_out(shape):
    values = 100 * DRAW.normal(size=(6, *shape)).astype("float32")
    with pytest.raises(InputError) as caught:
        check_scale(values, StandardizeImages())
    assert str(caught.value) == (
        "Expected values from 0 to 1, as input_scale='0..1' says. Received: "
        f"values up to {abs(values).max():.6g}. For tables, series and token "
        "ids create the model with input_scale=None; mean and std may be those "
        "of the columns."
    )


def test_models_of_older_files_only_warn():
    with pytest.warns(UserWarning, match="values up to 255"):
        check_scale(
            BYTES.astype("float32"), StandardizeImages(input_scale=UNSTATED)
        )


def test_the_measure_by_hand():
    images = np.array([[1.0, -2.0], [4.0, 8.0]], "float32")
    deviation, *rest = measured(images, StandardizeImages(1.0, 2.0))
    wanted = np.sqrt((0**2 + 1.5**2 + 1.5**2 + 3.5**2) / 4)
    found = [deviation, *rest]
    np.testing.assert_allclose(found, [wanted, 8.0, 0.0], rtol=1e-6)
    scaled = StandardizeImages(1.0, 2.0, "0..255")
    deviation, _, fraction = measured(255 * images + 0.25, scaled)
    np.testing.assert_allclose([deviation, fraction], [wanted, 0.75], rtol=2e-3)
