"""Adds quantiles of a mixture of normal distributions."""

import statistics

import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.gaussian_mixture import STEPS, normal_cdf
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.stages import Stage


@serializable
class MixtureQuantiles(Stage):
    """Adds "quantile": y for which Σ_e w_e Φ((y - μ_e) / σ_e) = q.

    It is (B, d) for one level q, and (B, Q, d) for a list of Q levels. The root
    is between the members' own quantiles, and found by halving that interval.

    Args:
        levels: q in (0, 1), or a list of them.
        log_weights: The E log mixture weights.

    Example:

    ```python
    half = mimo_keras.prediction.MixtureQuantiles(0.5, log_weights=[0.0])
    found = {"member_means": np.array([[[2.0]]], "float32")}
    found["member_stds"] = np.array([[[1.0]]], "float32")
    half(found, None)["quantile"]                            # [[2.0]]
    ```
    """

    def __init__(self, levels, log_weights, **kwargs):
        super().__init__(**kwargs)
        self.levels = checked_levels(levels)
        self.log_weights = [float(weight) for weight in log_weights]

    def call(self, outputs, logits):
        means, stds = outputs["member_means"], outputs["member_stds"]
        levels = np.reshape(np.array(self.levels), (1, 1, -1, 1))
        weights = np.exp(np.reshape(self.log_weights, (1, -1, 1, 1)))
        weights = weights.astype("float32")
        # In the upper half, Φ(-z) is compared with 1 - q, which is as exact as
        # in the lower half.
        signs = np.where(levels > 0.5, -1.0, 1.0).astype("float32")
        wanted = np.minimum(levels, 1 - levels)[:, 0].astype("float32")
        normal = statistics.NormalDist().inv_cdf
        scores = np.vectorize(normal)(levels).astype("float32")
        means, stds = (ops.expand_dims(x, 2) for x in (means, stds))
        own = means + stds * scores
        if len(self.log_weights) == 1:
            # LiteRT would take both ends of the bracket for one tensor.
            return self._with(outputs, own[:, 0])
        low, high = ops.min(own, axis=1), ops.max(own, axis=1)

        def halve(step, bracket):
            low, high = bracket
            middle = 0.5 * (low + high)
            z = (ops.expand_dims(middle, 1) - means) / stds
            mass = ops.sum(weights * normal_cdf(signs * z), axis=1)
            is_below = signs[:, 0] * (wanted - mass) > 0
            return (
                ops.where(is_below, middle, low),
                ops.where(is_below, high, middle),
            )

        # Unrolled, an exported file would be forty times as large.
        low, high = ops.fori_loop(0, STEPS, halve, (low, high))
        return self._with(outputs, 0.5 * (low + high))

    def _with(self, outputs, found):
        if isinstance(self.levels, float):
            found = found[:, 0]
        return {**outputs, "quantile": found}

    def get_config(self):
        return {
            **super().get_config(),
            "levels": self.levels,
            "log_weights": self.log_weights,
        }


def checked_levels(levels):
    """Returns a level as a float, or several as a list of floats.

    Args:
        levels: Numbers between 0 and 1.

    Raises:
        InputError: There are none, or one is not between 0 and 1.
    """
    several = np.ndim(levels) > 0
    listed = [*levels] if np.ndim(levels) == 1 else [levels]
    good = listed and all(arguments.is_number(q) and 0 < q < 1 for q in listed)
    if not good:
        raise expected(
            "a quantile's level between 0 and 1, or a list of such levels",
            f"{levels!r}",
            "Pass 0.5 for the median.",
        )
    return [float(q) for q in listed] if several else float(levels)
