"""StandardizeImages gives the same result for bytes and for floats."""

import math

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import StandardizeImages

BYTES = np.arange(2 * 4 * 4 * 3 * 2, dtype="uint8").reshape(2, 4, 8, 3)
FLOATS = (BYTES / 255).astype("float32")


def standardize(images, mean, std, divided=False):
    """The layer in NumPy, in float64."""
    x = np.asarray(images, "float64")
    if images.dtype == np.uint8 or divided:
        x = x / 255
    return (x - np.asarray(mean)) / np.asarray(std)


def call(layer, images):
    outputs = layer(images)
    return keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))


@pytest.mark.parametrize("images", [BYTES, FLOATS], ids=["bytes", "floats"])
@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (0.0, 1.0),
        (0.5, 0.25),
        ([0.1, 0.5, 0.9], [0.2, 0.3, 2.0]),
        (0.5, [0.2, 0.3, 2.0]),
        ([0.1, 0.5, 0.9], 1),
    ],
)
def test_equals_numpy(images, mean, std):
    outputs = call(StandardizeImages(mean, std), images)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(
        outputs, standardize(images, mean, std), rtol=1e-5, atol=1e-6
    )


def test_three_bytes_by_hand():
    images = np.array([[0, 51, 255]], "uint8")
    outputs = call(StandardizeImages(0.2, 0.4), images)
    np.testing.assert_allclose(outputs, [[-0.5, 0.0, 2.0]], atol=1e-7)


def test_floats_are_left_alone_without_mean_and_std():
    images = np.array([[-3.0, 300.0]], "float32")
    np.testing.assert_array_equal(call(StandardizeImages(), images), images)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_from_0_to_255_everything_is_divided(dtype):
    layer = StandardizeImages([0.1, 0.5, 0.9], 0.25, "0..255")
    layer = StandardizeImages.from_config(layer.get_config())
    wanted = standardize(BYTES, [0.1, 0.5, 0.9], 0.25, divided=True)
    np.testing.assert_allclose(
        call(layer, BYTES.astype(dtype)), wanted, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_without_a_scale_nothing_is_divided(dtype):
    images = np.array([[0, 51, 255]], dtype)
    layer = StandardizeImages([1.0, 1.0, 5.0], [1, 2, 10], input_scale=None)
    np.testing.assert_allclose(call(layer, images), [[-1.0, 25.0, 25.0]])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_without_a_scale_ids_are_exact_under_mixed_precision(dtype):
    ids = (
        np.arange(256, dtype=dtype)[None]
        if dtype == "uint8"
        else (np.array([[257, 1001, 70001]], dtype))
    )
    layer = StandardizeImages(input_scale=None, dtype="mixed_bfloat16")
    outputs = layer(ids)
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    np.testing.assert_array_equal(outputs, ids)
    assert layer.compute_output_spec(
        keras.KerasTensor((2, 3), dtype)
    ).dtype == (dtype)


@pytest.mark.parametrize("scale", ["0..2", 255, True, ""])
def test_other_scales_are_an_error(scale):
    with pytest.raises(InputError) as caught:
        StandardizeImages(input_scale=scale)
    assert str(caught.value) == (
        'Expected input_scale "0..1", "0..255" or None. Received: '
        f"input_scale={scale!r}. Use None for token ids and tables."
    )


def test_mean_and_std_are_those_of_images_from_0_to_1():
    with pytest.raises(InputError) as caught:
        StandardizeImages(127.5, 64, "0..255")
    assert str(caught.value) == (
        "Expected mean and std on the scale of 0 to 1. Received: mean=127.5, "
        "std=64.0, input_scale='0..255'. Divide them by 255, as the images "
        "will be."
    )


@pytest.mark.parametrize(
    "value", [np.nan, [0.5, np.inf], "half", None, [], [[0.5]], {"r": 1}]
)
@pytest.mark.parametrize("name", ["mean", "std"])
def test_what_is_no_finite_number_is_an_error(name, value):
    with pytest.raises(InputError) as caught:
        StandardizeImages(**{name: value})
    assert str(caught.value) == (
        f"Expected {name} to be a finite number, or one per channel. Received: "
        f"{name}={value!r}. Compute it from images without NaN or infinity."
    )


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_other_floats_are_on_the_same_scale(dtype):
    images = np.array([[0.25, 0.5, 1.0]])
    if dtype != "float64":  # JAX has none: it is only available in NumPy.
        images = keras.ops.convert_to_tensor(images, dtype)
    outputs = StandardizeImages(0.5, 0.25)(images)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    wanted = [[-1.0, 0.0, 2.0]]
    assert keras.ops.convert_to_numpy(outputs).tolist() == wanted


@pytest.mark.parametrize("images", [BYTES, FLOATS], ids=["bytes", "floats"])
def test_bfloat16_loses_nothing_before_the_one_rounding_at_the_end(images):
    layer = StandardizeImages(0.5, 0.25, dtype="mixed_bfloat16")
    np.testing.assert_allclose(
        call(layer, images),
        standardize(BYTES, 0.5, 0.25),
        rtol=2**-8,  # Half a unit in the last of 8 bits.
        atol=1e-6,
    )


@pytest.mark.parametrize("dtype", ["int32", "uint16", "bool"])
def test_other_types_are_an_error(dtype):
    with pytest.raises(InputError) as caught:
        StandardizeImages()(np.zeros((1, 2, 2, 1), dtype))
    assert str(caught.value) == (
        "Expected images of dtype uint8 (0 to 255) or float. Received: "
        f"dtype={dtype}. Cast them to one of these, or set "
        "input_scale: '0..255' for images, None for token ids and tables."
    )


@pytest.mark.parametrize("value", ["3", "x", None, {}, [math.nan]])
def test_what_is_no_number_is_an_error(value):
    for options in ({"mean": value}, {"std": value}):
        with pytest.raises(InputError, match="to be a finite number, or one"):
            StandardizeImages(**options)


@pytest.mark.parametrize("std", [0, -1.0, [0.5, 0.0, 0.5]])
def test_a_std_that_is_not_positive_is_an_error(std):
    with pytest.raises(InputError) as caught:
        StandardizeImages(0.5, std)
    assert str(caught.value).startswith(
        "Expected a positive std for every channel. Received: std="
    )


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 4, 4, 1), "uint8"), keras.KerasTensor((None, 4, 4, 1))],
    ids=["eager", "symbolic"],
)
@pytest.mark.parametrize("name", ["mean", "std"])
def test_numbers_for_other_channels_are_an_error(name, images):
    with pytest.raises(InputError) as caught:
        StandardizeImages(**{name: [0.1, 0.2, 0.3]})(images)
    assert str(caught.value) == (
        f"Expected a {name} for each of the 1 channels. Received: "
        f"{name}=[0.1, 0.2, 0.3]. Pass one number, or one per channel."
    )
