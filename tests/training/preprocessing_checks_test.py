import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError


def create(*first, **options):
    def backbone(x):
        for layer in first:
            x = layer(x)
        return keras.layers.Flatten()(x)

    return mimo_keras.create_model(
        "deterministic",
        backbone=backbone,
        input_shape=(4, 4, 3),
        num_classes=2,
        **options,
    )


def adapted(scale):
    layer = keras.layers.Normalization(name="adapted")
    layer.adapt(scale * np.random.default_rng(0).random((9, 4, 4, 3)))
    return layer


READ_BYTES = {
    "rescaling": lambda: keras.layers.Rescaling(1 / 255),
    "centered": lambda: keras.layers.Rescaling(1 / 127.5, -1, name="centered"),
    "by_channel": lambda: keras.layers.Rescaling([1 / 255] * 3, name="by"),
    "normalization": lambda: keras.layers.Normalization(-1, 124.0, 58.0**2),
    "adapted": lambda: adapted(255),
    "nested": lambda: keras.Sequential([keras.layers.Rescaling(1 / 255)]),
}


@pytest.mark.parametrize("name", READ_BYTES)
@pytest.mark.parametrize("scale", ["0..1", "0..255"])
def test_images_are_not_divided_twice(name, scale):
    with pytest.raises(InputError, match="expects 0 to 255") as caught:
        create(READ_BYTES[name](), input_scale=scale)
    assert f"to which input_scale='{scale}' brings them" in str(caught.value)
    assert "Pass input_scale=None" in str(caught.value)


@pytest.mark.parametrize("name", READ_BYTES)
def test_a_scale_that_fits_is_taken(name):
    create(READ_BYTES[name](), input_scale=None)
    create(READ_BYTES[name](), std=1 / 255)


def test_other_layers_say_nothing_about_the_scale():
    create(keras.layers.Rescaling(2.0, -1.0), adapted(1.0))
