"""Learning-rate schedules of the papers' recipes."""

import math

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

    Example:

    ```python
    rate = mimo_keras.training.WarmUpStepDecay(
        0.1, boundaries=[100], decay=0.5, warm_up_steps=10)
    round(float(rate(5)), 3), round(float(rate(200)), 3)     # (0.05, 0.05)
    ```

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


def cyclic_cosine(base_rate, steps, cycles):
    """Returns a schedule that falls along a cosine, several times in a row.

    At step t of a cycle of T = ⌈steps / cycles⌉ the rate is
    base_rate / 2 · (1 + cos(π t / T)). The network at the end of each cycle is
    a member of a snapshot ensemble.

    Args:
        base_rate: The rate at the start of each cycle.
        steps: Updates of the whole training.
        cycles: Number of cycles.

    Returns:
        keras.optimizers.schedules.CosineDecayRestarts.

    Raises:
        InputError: There are no steps, or no cycles.

    Example:

    ```python
    rate = mimo_keras.training.cyclic_cosine(0.1, steps=100, cycles=2)
    round(float(rate(0)), 3), round(float(rate(25)), 3)      # (0.1, 0.05)
    ```

    Reference:
        Huang et al., Snapshot ensembles: train 1, get M for free, ICLR 2017,
        equation 2.
    """
    for name, value in {"steps": steps, "cycles": cycles}.items():
        if value < 1:
            raise expected(
                f"{name} of at least 1", f"{name}={value}", "Raise it."
            )
    return keras.optimizers.schedules.CosineDecayRestarts(
        base_rate, math.ceil(steps / cycles), t_mul=1.0
    )


@serializable
class ScheduleOfUpdates(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule over updates, for an optimizer that accumulates gradients.

    Keras counts the passes over a batch, of which several make an update.

    Args:
        schedule: keras.optimizers.schedules.LearningRateSchedule over updates.
        passes: Passes in an update: `gradient_accumulation_steps`.
    """

    def __init__(self, schedule, passes):
        super().__init__()
        self.schedule = schedule
        self.passes = passes

    def __call__(self, step):
        return self.schedule(ops.floor_divide(step, self.passes))

    def get_config(self):
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "passes": self.passes}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        schedule = keras.saving.deserialize_keras_object(
            config["schedule"], custom_objects=custom_objects
        )
        return cls(schedule, config["passes"])
