"""Layers that add sets of classes, or intervals, which cover the truth."""

import keras
import numpy as np
from keras import ops

from mimo_keras.layers import draws, plain_draws
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.stages import Stage

ROUNDING = 1e-6
"""Added to quantiles: float32 must not exclude what float64 includes."""


@serializable
class PredictionSets(Stage):
    """Adds "prediction_set" (B, K), booleans, and "set_size" (B,), int32.

    A class is in the set if its score, see `conformal.class_scores`, is at most
    the quantile. The most probable class always is, and every class for an
    image that is not finite.

    Args:
        quantiles: One number, or one for each class.
        score: "aps", "lac" or "raps".
        penalty: λ of "raps".
        free: Number of classes without a penalty.
        randomized: Whether u is drawn, which makes the sets of "aps" and "raps"
            smaller and their coverage exact.
        seed: Seed of these draws.
        fitted_on: See `Stage`.

    Example:

    ```python
    outputs = {"probabilities": np.array([[0.7, 0.2, 0.1]], "float32")}
    stage = mimo_keras.prediction.PredictionSets([0.85], score="lac")
    stage(outputs, None)["set_size"]                         # [2]
    ```

    Reference:
        See `conformal.class_scores`.
    """

    def __init__(
        self,
        quantiles,
        score,
        penalty=0.0,
        free=0,
        randomized=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.quantiles = [float(value) for value in quantiles]
        self.score, self.penalty, self.free = score, penalty, free
        self.randomized, self.seed = randomized, seed
        if randomized:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, outputs, logits):
        probabilities = outputs["probabilities"]
        scores = self._scores(probabilities)
        most = np.array(self.quantiles, "float32") + np.float32(ROUNDING)
        top = ops.max(probabilities, axis=-1, keepdims=True)
        inside = ops.logical_or(scores <= most, probabilities >= top)
        # Comparisons with NaN are false.
        inside = ops.where(top >= 0, inside, True)
        return {
            **outputs,
            "prediction_set": inside,
            "set_size": ops.sum(ops.cast(inside, "int32"), axis=-1),
        }

    def _scores(self, probabilities):
        if self.score == "lac":
            return 1.0 - probabilities
        order = ops.argsort(-probabilities, axis=-1)
        rank = ops.argsort(order, axis=-1)
        ordered = ops.take_along_axis(probabilities, order, axis=-1)
        before = ops.cumsum(ordered, axis=-1) - ordered
        before = ops.take_along_axis(before, rank, axis=-1)
        scores = before + self._draws(probabilities) * probabilities
        if self.score == "raps":
            beyond = ops.maximum(rank + 1 - self.free, 0)
            scores = scores + self.penalty * ops.cast(beyond, "float32")
        return scores

    def _draws(self, probabilities):
        if not self.randomized:
            return 1.0
        if key := plain_draws.next_key(self.seed_generator):
            rows = plain_draws.rows_of(probabilities)
            return plain_draws.uniform(rows, (1,), key)
        shape = (ops.shape(probabilities)[0], 1)
        return draws.uniform(shape, self.seed_generator)

    def get_config(self):
        return {
            **super().get_config(),
            "quantiles": self.quantiles,
            "score": self.score,
            "penalty": self.penalty,
            "free": self.free,
            "randomized": self.randomized,
            "seed": self.seed,
        }


@serializable
class Intervals(Stage):
    """Adds "lower" and "upper" (B, d), which cover each target.

    mean ± q · s, where s is 1 or a standard deviation, with a floor: the
    mixture's, or the members' if they predict means alone.

    Args:
        quantiles: q for each of the d outputs.
        floor: Smallest standard deviation; None for s = 1.
        fitted_on: See `Stage`.

    Example:

    ```python
    stage = mimo_keras.prediction.Intervals([2.0])
    found = stage({"mean": np.array([[1.0]], "float32")}, None)
    found["upper"]                                           # (B, d)
    ```

    Reference:
        Lei et al., Distribution-free predictive inference for regression,
        JASA 2018, sections 2.2 and 5.2.
    """

    def __init__(self, quantiles, floor=None, **kwargs):
        super().__init__(**kwargs)
        self.quantiles = [float(value) for value in quantiles]
        self.floor = floor

    def call(self, outputs, logits):
        mean = outputs["mean"]
        half = np.array(self.quantiles, "float32")
        if self.floor is not None:
            deviation = _deviation(outputs)
            half = half * ops.maximum(deviation, self.floor)
        half = half + ROUNDING * ops.abs(mean)
        return {**outputs, "lower": mean - half, "upper": mean + half}

    def get_config(self):
        return {
            **super().get_config(),
            "quantiles": self.quantiles,
            "floor": self.floor,
        }


def _deviation(outputs):
    if "std" in outputs:
        return outputs["std"]
    return ops.sqrt(ops.maximum(outputs["member_variance"], 0.0))
