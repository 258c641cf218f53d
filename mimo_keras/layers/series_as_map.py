"""Series as maps of width 1, for convolutions over time."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable


@serializable
class SeriesAsMap(keras.layers.Layer):
    """Adds an axis of size 1 after time: y[n, t, 0, c] = x[n, t, c].

    Layers for maps, such as those of members, then convolve over time.

    Call arguments:
        inputs: Series.

    Input shape:
        (N, T, C).

    Output shape:
        (N, T, 1, C).

    Example:

    ```python
    series = keras.Input((100, 3))
    x = mimo_keras.layers.SeriesAsMap()(series)              # (N, 100, 1, 3)
    ```
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs):
        _check(inputs.shape)
        return ops.expand_dims(inputs, 2)

    def compute_output_shape(self, input_shape):
        _check(input_shape)
        batch, time, channels = input_shape
        return (batch, time, 1, channels)

    def get_config(self):
        # The config that Keras makes by itself cannot hold a policy object.
        return super().get_config()


def _check(shape):
    if len(shape) != 3:
        raise expected(
            "series of shape (N, T, C)",
            f"shape={tuple(shape)}",
            "Write (T, 1) as the shape of series of one number.",
        )
