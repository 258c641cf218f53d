"""What follows predicted quantiles: intervals, and other levels."""

import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.mixture_quantiles import checked_levels
from mimo_keras.prediction.sets import ROUNDING
from mimo_keras.prediction.stages import Stage


@serializable
class QuantileIntervals(Stage):
    """Adds "lower" and "upper" (B, d): the outer quantiles, moved apart.

    Args:
        margins: How far, for each of the d numbers; below 0 for closer.
        fitted_on: See `Stage`.

    Example:

    ```python
    stage = mimo_keras.prediction.QuantileIntervals([0.5])
    quantiles = np.array([[[-1.0], [1.0]]], "float32")       # (B, Q, d)
    found = stage({"quantiles": quantiles}, None)
    found["lower"]                                           # (B, d)
    ```

    Reference:
        Romano, Patterson and Candès, Conformalized quantile regression,
        NeurIPS 2019.
    """

    def __init__(self, margins, **kwargs):
        super().__init__(**kwargs)
        self.margins = [float(value) for value in margins]

    def call(self, outputs, logits):
        quantiles = outputs["quantiles"]
        margin = np.array(self.margins, "float32")
        lower, upper = quantiles[:, 0], quantiles[:, -1]
        lower = lower - margin - ROUNDING * ops.abs(lower)
        upper = upper + margin + ROUNDING * ops.abs(upper)
        return {**outputs, "lower": lower, "upper": upper}

    def get_config(self):
        return {**super().get_config(), "margins": self.margins}


@serializable
class InterpolatedQuantiles(Stage):
    """Adds "quantile" at other levels, linearly between those predicted.

    It is (B, d) for one level, and (B, Q, d) for a list of them.

    Args:
        levels: One level, or several, within the predicted ones.
        known: The levels of "quantiles".

    Example:

    ```python
    stage = mimo_keras.prediction.InterpolatedQuantiles(0.5, known=[0.1, 0.9])
    quantiles = np.array([[[-1.0], [1.0]]], "float32")       # (B, Q, d)
    stage({"quantiles": quantiles}, None)["quantile"]        # [[0.0]]
    ```
    """

    def __init__(self, levels, known, **kwargs):
        super().__init__(**kwargs)
        self.levels = checked_levels(levels)
        self.known = [float(q) for q in known]
        outside = [
            q
            for q in np.atleast_1d(self.levels)
            if not self.known[0] <= q <= self.known[-1]
        ]
        if outside:
            raise expected(
                f"levels from {self.known[0]:g} to {self.known[-1]:g}, which "
                "the model predicts",
                f"{outside[0]:g}",
                "Create the model with more levels.",
            )

    def call(self, outputs, logits):
        levels = np.atleast_1d(self.levels)
        # Row i interpolates: its entries are the weights of known quantiles.
        weights = [
            np.interp(levels, self.known, row)
            for row in np.eye(len(self.known))
        ]
        weights = np.array(weights, "float32").T[..., np.newaxis]
        # LiteRT fails in an einsum here, whose batch size it does not know.
        known = ops.expand_dims(outputs["quantiles"], 1)
        found = ops.sum(weights * known, axis=2)
        if isinstance(self.levels, float):
            found = found[:, 0]
        return {**outputs, "quantile": found}

    def get_config(self):
        return {
            **super().get_config(),
            "levels": self.levels,
            "known": self.known,
        }
