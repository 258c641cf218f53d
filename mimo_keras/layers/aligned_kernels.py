"""Kernel alignment: encoders that start from a common kernel."""

import random

import keras
from keras import ops

from mimo_keras.errors import closest, expected
from mimo_keras.layers.registration import serializable


@serializable
class AlignedKernels(keras.initializers.Initializer):
    """Initializes the kernels of M encoders alike.

    For weights whose first axis is members, as in `MemberConv2D` and
    `MemberDense`.

    Args:
        alignment: "equal": all members have the same kernel. "colinear": the
            same kernel times a factor per member, uniform in [0.5, 1.5].
        initializer: Initializer of one member's kernel.
        seed: Integer seed of the members' factors; None for a random seed.

    Example:

    ```python
    start = mimo_keras.layers.AlignedKernels("equal")
    conv = mimo_keras.layers.MemberConv2D(
        16, 3, ensemble_size=2, kernel_initializer=start
    )
    conv.build((None, 32, 32, 3))
    kernels = conv.kernel                                   # (2, 3, 3, 3, 16)
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, section 3.2 and appendix C.
    """

    ALIGNMENTS = ("equal", "colinear")

    def __init__(self, alignment="equal", initializer="he_normal", seed=None):
        if alignment not in self.ALIGNMENTS:
            raise expected(
                "an alignment among " + ", ".join(self.ALIGNMENTS),
                f"alignment={alignment!r}",
                closest(
                    alignment,
                    self.ALIGNMENTS,
                    "Omit the initializer to give each member its own kernel.",
                ),
            )
        self.alignment = alignment
        self.initializer = keras.initializers.get(initializer)
        self.seed = seed
        self._drawn = random.randrange(2**31) if seed is None else seed

    def __call__(self, shape, dtype=None):
        members, *kernel = shape
        one = ops.expand_dims(self.initializer(kernel, dtype=dtype), 0)
        if self.alignment == "equal":
            return ops.repeat(one, members, axis=0)
        factors = keras.random.uniform(
            (members, *[1] * len(kernel)),
            minval=0.5,
            maxval=1.5,
            dtype=one.dtype,
            seed=self._drawn,
        )
        return one * factors

    def get_config(self):
        return {
            "alignment": self.alignment,
            "initializer": keras.initializers.serialize(self.initializer),
            "seed": self.seed,
        }
