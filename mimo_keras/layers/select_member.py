"""Selects the input of one member."""

import keras

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class SelectMember(keras.layers.Layer):
    """Picks one member's input: y = x[:, m].

    Args:
        member: m, counted from 0.

    Call arguments:
        inputs: The inputs of all members.

    Input shape:
        (N, M, ...).

    Output shape:
        (N, ...).

    Example:

    ```python
    inputs = keras.Input((4, 32, 32, 3))                     # M = 4
    x = mimo_keras.layers.SelectMember(0)(inputs)            # (N, 32, 32, 3)
    ```
    """

    def __init__(self, member, **kwargs):
        super().__init__(**kwargs)
        self.member = arguments.whole("member", member, None)
        self.built = True

    def call(self, inputs):
        self._check(inputs.shape)
        return inputs[:, self.member]

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        batch, _, *rest = input_shape
        return (batch, *rest)

    def for_one_image(self):
        """Returns the layer's replacement where all members see one image.

        The layers after it then read that image.
        """
        return Twin(keras.layers.Identity(name=self.name))

    def get_config(self):
        return {**super().get_config(), "member": self.member}

    def _check(self, shape):
        if not 0 <= self.member < shape[1]:
            raise expected(
                f"a member in 0 … {shape[1] - 1}",
                f"member={self.member}",
                "Choose a member of the input.",
            )
