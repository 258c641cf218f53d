"""Channel-wise normalization of images on the device."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable


@serializable
class StandardizeImages(keras.layers.Layer):
    """Brings images to zero mean and unit variance: (x - mean) / std.

    Bytes (uint8) range from 0 to 255 and are divided by 255 first; floats are
    assumed to be on the scale of `mean` and `std` already, which is [0, 1] for
    images. A model thus sees the same picture from either, and images can be
    sent to the device as bytes. Other integer types are rejected, since their
    range is unknown.

    Args:
        mean: One number, or one for each channel, on the scale of [0, 1].
        std: Likewise, all positive.

    Call arguments:
        inputs: uint8 or floating-point images.

    Input shape:
        (B, ..., C).

    Output shape:
        The same, in the layer's compute dtype.

    Example:

    ```python
    x = mimo_keras.layers.StandardizeImages(0.5, 0.25)(images)
    ```
    """

    def __init__(self, mean=0.0, std=1.0, **kwargs):
        # Keras would cast floats to bfloat16 before they are centered.
        super().__init__(autocast=False, **kwargs)
        self.mean = _numbers(mean)
        self.std = _numbers(std)
        if min(_listed(self.std)) <= 0:
            raise expected(
                "a positive std for every channel",
                f"std={self.std}",
                "Remove channels that never vary.",
            )
        self.built = True

    def call(self, inputs):
        self._check_channels(inputs.shape[-1])
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if dtype != "uint8" and "float" not in dtype:
            raise expected(
                "images of dtype uint8 (0 to 255) or float",
                f"dtype={dtype}",
                "Cast them to one of these.",
            )
        if self.mean == 0.0 and self.std == 1.0 and dtype != "uint8":
            return ops.cast(inputs, self.compute_dtype)
        # In float32 throughout: a byte's 256 levels do not fit bfloat16.
        x = ops.cast(inputs, "float32")
        if dtype == "uint8":
            x = x / 255.0
        mean = ops.convert_to_tensor(self.mean, "float32")
        std = ops.convert_to_tensor(self.std, "float32")
        return ops.cast((x - mean) / std, self.compute_dtype)

    def compute_output_spec(self, inputs):
        self._check_channels(inputs.shape[-1])
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "std": self.std}

    def _check_channels(self, channels):
        for name, value in {"mean": self.mean, "std": self.std}.items():
            listed = isinstance(value, list)
            if listed and channels not in (None, len(value)):
                raise expected(
                    f"a {name} for each of the {channels} channels",
                    f"{name}={value}",
                    "Pass one number, or one per channel.",
                )


def _numbers(value):
    """Returns a float, or a list of floats, for the config."""
    if isinstance(value, (int, float)):
        return float(value)
    return [float(number) for number in value]


def _listed(value):
    return value if isinstance(value, list) else [value]
