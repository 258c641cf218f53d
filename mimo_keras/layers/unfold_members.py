"""Unfolds rows of the batch into an axis of members."""

import keras
from keras import ops

from mimo_keras.layers.members import MembersLayer, rows_per_member
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class UnfoldMembers(MembersLayer):
    """Moves members from the batch axis to an axis of their own.

    Args:
        ensemble_size: M, the number of members.

    Call arguments:
        inputs: Rows of all members, all of member 0 first: see
            `FoldMembers`.

    Input shape:
        (M·B, ...).

    Output shape:
        (B, M, ...).

    Example:

    ```python
    features = keras.Input((64,))
    x = mimo_keras.layers.FoldMembers(4)(features)
    logits = keras.layers.Dense(10)(x)
    logits = mimo_keras.layers.UnfoldMembers(4)(logits)     # (B, 4, 10)
    ```

    Reference:
        Wen et al., BatchEnsemble: an alternative approach to efficient
        ensemble and lifelong learning, ICLR 2020, section 3.1.
    """

    def __init__(self, ensemble_size, **kwargs):
        super().__init__(ensemble_size, **kwargs)
        self.built = True

    def call(self, inputs):
        rows_per_member(inputs.shape[0], self.ensemble_size)
        shape = (self.ensemble_size, -1, *ops.shape(inputs)[1:])
        return ops.swapaxes(ops.reshape(inputs, shape), 0, 1)

    def compute_output_shape(self, input_shape):
        rows, *rest = input_shape
        batch = rows_per_member(rows, self.ensemble_size)
        return (batch, self.ensemble_size, *rest)

    def for_one_image(self):
        """Returns the layer's replacement where all members see one image.

        The layers before it then return the sum over members.
        """
        return Twin(keras.layers.Identity(name=self.name))
