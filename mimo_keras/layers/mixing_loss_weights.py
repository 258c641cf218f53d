"""Weights of the members' losses for a row of mixed inputs."""

import keras
from keras import ops

from mimo_keras.layers import arguments
from mimo_keras.layers.registration import serializable


@serializable
class MixingLossWeights(keras.layers.Layer):
    """Loss weights from mixing ratios: w_m = M λ_m^(1/r) / Σ_j λ_j^(1/r).

    They sum to M in every row. At r = 1 they are M times the ratios; a larger r
    makes them more even.

    Args:
        root: r, at least 1.

    Call arguments:
        ratios: Mixing ratios, which sum to 1 over the members.

    Input shape:
        (N, M).

    Output shape:
        (N, M), float32 under every dtype policy.

    Example:

    ```python
    ratios = keras.Input((2,))
    weights = mimo_keras.layers.MixingLossWeights(root=3)(ratios)  # (N, 2)
    ```

    Reference:
        Ramé, Sun and Cord, MixMo, ICCV 2021, section 3.3 (rebalancing);
        Sun et al., MixShare, CVPR Workshops 2022, appendix B, for r = 1.
    """

    def __init__(self, root=3.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        # At 1 the weights are M times the ratios.
        self.root = arguments.number("root", root, 1)
        self.built = True

    def call(self, ratios):
        parts = ops.power(ops.cast(ratios, "float32"), 1.0 / self.root)
        members = ratios.shape[-1]
        return members * parts / ops.sum(parts, axis=-1, keepdims=True)

    def compute_output_spec(self, ratios):
        return keras.KerasTensor(ratios.shape, "float32")

    def get_config(self):
        return {**super().get_config(), "root": self.root}
