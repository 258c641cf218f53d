"""Folds the members' inputs into the batch axis."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.members import MembersLayer
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class FoldMembers(MembersLayer):
    """Folds what each member sees into rows of the batch, member-major.

    Row `m * B + b` of the result is row `b` of what member `m` sees: the order
    that BatchEnsemble layers expect.

    Args:
        ensemble_size: M, the number of members.
        by_member: Whether each member has its own inputs. Otherwise the whole
            batch is repeated once per member.

    Call arguments:
        inputs: What the members see.

    Input shape:
        (B, ...); by member (B, M, ...).

    Output shape:
        (M·B, ...).

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    x = mimo_keras.layers.FoldMembers(4)(images)             # (B, 32, 32, 3)
    ```

    Reference:
        Wen et al., BatchEnsemble: an alternative approach to efficient
        ensemble and lifelong learning, ICLR 2020, section 3.1.
    """

    def __init__(self, ensemble_size, by_member=False, **kwargs):
        super().__init__(ensemble_size, **kwargs)
        self.by_member = arguments.flag("by_member", by_member)
        self.built = True

    def call(self, inputs):
        self._check(inputs.shape)
        if self.by_member:
            rows = ops.swapaxes(inputs, 0, 1)
            return ops.reshape(rows, (-1, *ops.shape(inputs)[2:]))
        # With ops.tile, Keras 3.12 would lose the size of every axis.
        return ops.concatenate([inputs] * self.ensemble_size, axis=0)

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        batch, *rest = input_shape
        if batch is not None:
            batch = batch * self.ensemble_size
        return (batch, *rest[self.by_member :])

    def for_one_image(self):
        """Returns the layer's replacement where all members see one image.

        The layers after it then return the sum over members.
        """
        return Twin(keras.layers.Identity(name=self.name))

    def get_config(self):
        return {**super().get_config(), "by_member": self.by_member}

    def _check(self, shape):
        if self.by_member and (
            len(shape) < 3 or shape[1] != self.ensemble_size
        ):
            raise expected(
                f"inputs of {self.ensemble_size} members, (B, M, ...)",
                f"shape={tuple(shape)}",
                "Use by_member=False if all members see the same.",
            )
