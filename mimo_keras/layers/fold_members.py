"""One image for all members: its copies become rows of the batch."""

from keras import ops

from mimo_keras.layers.members import MembersLayer
from mimo_keras.layers.registration import register


@register
class FoldMembers(MembersLayer):
    """Repeats the whole batch once for every member, member-major.

    Row `m * B + b` of the result is row `b` of the inputs, for member `m`:
    the order in which BatchEnsemble layers take their members.

    Args:
        ensemble_size: M, the number of members.

    Call arguments:
        inputs: What all members see.

    Input shape:
        (B, ...).

    Output shape:
        (M·B, ...).

    Example:

    ```python
    x = mimo_keras.layers.FoldMembers(4)(images)            # (4 B, H, W, C)
    ```

    Reference:
        Wen et al., BatchEnsemble: an alternative approach to efficient
        ensemble and lifelong learning, ICLR 2020, section 3.1.
    """

    def __init__(self, ensemble_size, **kwargs):
        super().__init__(ensemble_size, **kwargs)
        self.built = True

    def call(self, inputs):
        rest = [1] * (len(inputs.shape) - 1)
        return ops.tile(inputs, (self.ensemble_size, *rest))

    def compute_output_shape(self, input_shape):
        batch, *rest = input_shape
        if batch is not None:
            batch = batch * self.ensemble_size
        return (batch, *rest)
