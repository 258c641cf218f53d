"""MIMO's input: the members' images side by side on the channel axis."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class ConcatenateMembers(keras.layers.Layer):
    """Concatenates the members' inputs on the last axis, member-major.

    Channel `m * C + c` of the result is channel `c` of member `m`, so that a
    single convolution after it acts as the first layers of MIMO's M
    subnetworks.

    Call arguments:
        inputs: The images each member sees.

    Input shape:
        (N, M, ..., C), with any number of axes between members and channels, as
        in (N, M, H, W, C) for images and (N, M, C) for vectors.

    Output shape:
        (N, ..., M·C).

    Example:

    ```python
    inputs = keras.Input((3, 32, 32, 3))                     # M = 3
    x = mimo_keras.layers.ConcatenateMembers()(inputs)       # (N, 32, 32, 9)
    ```

    Reference:
        Havasi et al., Training independent subnetworks for robust
        prediction, ICLR 2021, section 2.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs):
        _check(inputs.shape)
        return ops.concatenate(ops.unstack(inputs, axis=1), axis=-1)

    def compute_output_shape(self, input_shape):
        _check(input_shape)
        batch, members, *space, channels = input_shape
        return (batch, *space, members * channels)

    def get_config(self):
        # The config that Keras makes by itself cannot hold a policy object.
        return super().get_config()

    def for_one_image(self):
        """Returns the layer's replacement where all members see one image.

        The layers after it then use kernels summed over the members.
        """
        return Twin(keras.layers.Identity(name=self.name))


def _check(shape):
    if len(shape) < 3:
        raise expected(
            "inputs of shape (N, M, ..., C)",
            f"shape={tuple(shape)}",
            "Pass one input per member in every row.",
        )
