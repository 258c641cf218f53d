"""StandardizeImages gives the same result for bytes and for floats."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import StandardizeImages

BYTES = np.arange(2 * 4 * 4 * 3 * 2, dtype="uint8").reshape(2, 4, 8, 3)
FLOATS = (BYTES / 255).astype("float32")


def standardize(images, mean, std):
    """The layer in NumPy, in float64."""
    x = np.asarray(images, "float64")
    if images.dtype == np.uint8:
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
        f"dtype={dtype}. Cast them to one of these."
    )


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
