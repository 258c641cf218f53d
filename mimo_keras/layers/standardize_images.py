"""Channel-wise normalization of images on the device."""

import keras
import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable

SCALES = ("0..1", "0..255", None)

# Of models in files that do not state a scale: values are taken as under
# "0..1", which was the only scale, but such a model may be fed others.
UNSTATED = "unstated"


@serializable
class StandardizeImages(keras.layers.Layer):
    """Brings images to zero mean and unit variance: (x - mean) / std.

    With the default scale, bytes (uint8) range from 0 to 255 and are divided by
    255 first; floats are assumed to be on the scale of `mean` and `std`
    already, which is [0, 1] for images. A model thus sees the same picture from
    either, and images can be sent to the device as bytes. Other integer types
    are rejected, since their range is unknown.

    Args:
        mean: One number, or one for each channel, on the scale of [0, 1].
        std: Likewise, all positive.
        input_scale: What the inputs are: "0..1", as above; "0..255" for
            floats and integers that are all divided by 255; None for values
            that are no intensities, such as token ids and tables, which are
            never divided. With None and neither mean nor std, the inputs keep
            their dtype, so that no id is rounded.

    Call arguments:
        inputs: uint8 or floating-point images; integers of any type unless
            input_scale is "0..1".

    Input shape:
        (B, ..., C).

    Output shape:
        The same, in the layer's compute dtype.

    Raises:
        InputError: An argument is not of these, mean or std is not finite or
            has another length than there are channels, or the inputs have a
            dtype that the scale does not allow.

    Example:

    ```python
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = mimo_keras.layers.StandardizeImages(0.5, 0.25)(images)
    ```
    """

    def __init__(self, mean=0.0, std=1.0, input_scale="0..1", **kwargs):
        # Keras would cast floats to bfloat16 before they are centered.
        super().__init__(autocast=False, **kwargs)
        is_name = input_scale is None or isinstance(input_scale, str)
        if not is_name or input_scale not in (*SCALES, UNSTATED):
            raise expected(
                'input_scale "0..1", "0..255" or None',
                f"input_scale={input_scale!r}",
                "Use None for token ids and tables.",
            )
        self.input_scale = input_scale
        # The name of a layer that expects 0 to 255, in the network that
        # follows: its model sets it.
        self.reader = str
        self.mean = finite_numbers("mean", mean)
        self.std = finite_numbers("std", std)
        if min(_listed(self.std)) <= 0:
            raise expected(
                "a positive std for every channel",
                f"std={self.std}",
                "Remove channels that never vary.",
            )
        most = max(*map(abs, _listed(self.mean)), *_listed(self.std))
        if input_scale == "0..255" and most > 10:
            raise expected(
                "mean and std on the scale of 0 to 1",
                f"mean={self.mean}, std={self.std}, input_scale='0..255'",
                "Divide them by 255, as the images will be.",
            )
        self.built = True

    def call(self, inputs):
        self.check_channels(inputs.shape[-1])
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        self.check_dtype(dtype)
        is_plain = self.mean == 0.0 and self.std == 1.0
        if is_plain and self.input_scale is None:
            return inputs
        is_divided = self.input_scale == "0..255" or (
            self.input_scale is not None and dtype == "uint8"
        )
        if is_plain and not is_divided:
            return ops.cast(inputs, self.compute_dtype)
        # In float32 throughout: a byte's 256 levels do not fit bfloat16.
        x = ops.cast(inputs, "float32")
        if is_divided:
            x = x / 255.0
        mean = ops.convert_to_tensor(self.mean, "float32")
        std = ops.convert_to_tensor(self.std, "float32")
        return ops.cast((x - mean) / std, self.compute_dtype)

    def compute_output_spec(self, inputs):
        self.check_channels(inputs.shape[-1])
        kept = self.input_scale is None and self.mean == 0.0 and self.std == 1.0
        dtype = inputs.dtype if kept else self.compute_dtype
        return keras.KerasTensor(inputs.shape, dtype=dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "mean": self.mean,
            "std": self.std,
            "input_scale": self.input_scale,
        }

    def check_channels(self, channels):
        """Raises InputError if mean or std is for another number of channels.

        Args:
            channels: C; None if unknown.
        """
        for name, value in {"mean": self.mean, "std": self.std}.items():
            listed = isinstance(value, list)
            if listed and channels not in (None, len(value)):
                raise expected(
                    f"a {name} for each of the {channels} channels",
                    f"{name}={value}",
                    "Pass one number, or one per channel.",
                )

    def check_dtype(self, dtype):
        """Raises InputError unless the scale allows inputs of a dtype.

        Args:
            dtype: Its name.
        """
        if "float" in dtype or dtype == "uint8":
            return
        if "int" not in dtype or self.input_scale in ("0..1", UNSTATED):
            raise expected(
                "images of dtype uint8 (0 to 255) or float",
                f"dtype={dtype}",
                "Cast them to one of these, or set input_scale: '0..255' for "
                "images, None for token ids and tables.",
            )


def finite_numbers(name, value):
    """Returns a float, or a list of floats, for the config.

    Raises:
        InputError: They are not finite numbers.
    """
    try:
        is_text = np.asarray(value).dtype.kind in "US"
        numbers = np.asarray(np.nan if is_text else value, "float64")
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if numbers.ndim > 1 or not numbers.size or not np.isfinite(numbers).all():
        raise expected(
            f"{name} to be a finite number, or one per channel",
            f"{name}={value!r}",
            "Compute it from images without NaN or infinity.",
        )
    return numbers.tolist()


def _listed(value):
    return value if isinstance(value, list) else [value]
