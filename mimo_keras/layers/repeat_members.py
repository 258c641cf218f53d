"""MIMO at test time: every member sees the same image."""

from keras import ops

from mimo_keras.layers.members import MembersLayer
from mimo_keras.layers.registration import serializable


@serializable
class RepeatMembers(MembersLayer):
    """Repeats each input once for every member.

    Args:
        ensemble_size: M, the number of members.

    Call arguments:
        inputs: The images to predict.

    Input shape:
        (B, ...).

    Output shape:
        (B, M, ...).

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    tiled = mimo_keras.layers.RepeatMembers(3)(images)    # (B, 3, 32, 32, 3)
    ```

    Reference:
        Havasi et al., Training independent subnetworks for robust
        prediction, ICLR 2021, section 2 and algorithm 2.
    """

    def __init__(self, ensemble_size, **kwargs):
        super().__init__(ensemble_size, **kwargs)
        self.built = True

    def call(self, inputs):
        return ops.repeat(
            ops.expand_dims(inputs, 1), self.ensemble_size, axis=1
        )

    def compute_output_shape(self, input_shape):
        batch, *rest = input_shape
        return (batch, self.ensemble_size, *rest)
