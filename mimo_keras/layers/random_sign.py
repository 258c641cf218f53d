"""Random signs, with which BatchEnsemble's fast weights start."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.registration import serializable


@serializable
class RandomSign(keras.initializers.Initializer):
    """Draws each number as +1 or -1.

    Fast weights that start like this make members as different as rank-1
    factors can, without changing the scale of any feature. If all members
    start equal they receive equal gradients, and remain one network.

    Args:
        probability: Of +1; at 1, all members are equal.
        seed: As for keras.initializers.RandomUniform: one instance draws the
            same numbers at each call.

    Example:

    ```python
    signs = mimo_keras.layers.RandomSign(0.5)((4, 16))      # (4, 16)
    ```

    Reference:
        Wen et al., BatchEnsemble: an alternative approach to efficient
        ensemble and lifelong learning, ICLR 2020, section 3.1 and appendix B.
    """

    def __init__(self, probability=0.5, seed=None):
        probability = arguments.number("probability", probability)
        if not 0 <= probability <= 1:
            raise expected(
                "a probability from 0 to 1",
                f"probability={probability}",
                "It is that of +1; use 0.5 for members that differ most.",
            )
        self.probability = probability
        self.uniform = keras.initializers.RandomUniform(0.0, 1.0, seed)

    def __call__(self, shape, dtype=None):
        drawn = self.uniform(shape, dtype="float32")
        signs = ops.where(drawn < self.probability, 1.0, -1.0)
        return ops.cast(signs, dtype or keras.config.floatx())

    def get_config(self):
        seed = self.uniform.get_config()["seed"]
        return {"probability": self.probability, "seed": seed}
