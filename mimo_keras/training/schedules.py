"""Learning-rate schedules of the papers' recipes."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable


@serializable
class WarmUpStepDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from 0, then decay by a factor at each boundary.

    Args:
        base_rate: The rate after warm-up.
        boundaries: Steps at which the rate is multiplied by `decay`.
        decay: The factor, 0.1 or 0.2 in the papers.
        warm_up_steps: Steps to reach `base_rate`.

    Reference:
        Havasi et al., ICLR 2021, appendix B.
    """

    def __init__(self, base_rate, boundaries, decay=0.1, warm_up_steps=0):
        super().__init__()
        if list(boundaries) != sorted(boundaries):
            raise expected(
                "decay epochs in ascending order",
                f"boundaries={list(boundaries)}",
                "Sort them.",
            )
        self.base_rate = float(base_rate)
        self.boundaries = [int(boundary) for boundary in boundaries]
        self.decay = float(decay)
        self.warm_up_steps = int(warm_up_steps)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = ops.convert_to_tensor(self.base_rate, "float32")
        for boundary in self.boundaries:
            rate = rate * ops.where(step < boundary, 1.0, self.decay)
        if self.warm_up_steps:
            rate = rate * ops.minimum(step / self.warm_up_steps, 1.0)
        return rate

    def get_config(self):
        return {
            "base_rate": self.base_rate,
            "boundaries": self.boundaries,
            "decay": self.decay,
            "warm_up_steps": self.warm_up_steps,
        }
