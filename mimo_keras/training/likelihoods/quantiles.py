"""The likelihood of quantiles."""

import dataclasses

import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import QuantileMixture
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction import covering
from mimo_keras.prediction.mixture_quantiles import checked_levels
from mimo_keras.prediction.quantile_stages import InterpolatedQuantiles
from mimo_keras.training import losses
from mimo_keras.training.likelihoods.means import OfNumbers

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Default levels."""


@serializable
@dataclasses.dataclass(frozen=True)
class Quantiles(OfNumbers):
    """Regression by quantiles, which never cross, of each of d numbers.

    A member's head returns Q·d outputs, see `layers.QuantileMixture`. Its loss
    is the pinball loss of x at level q, max(q (y - x), (q - 1) (y - x)), as a
    mean over levels and numbers; "pinball" is that of the members' average.

    Attributes:
        output_dim: d.
        levels: Q ascending levels between 0 and 1.

    Example:

    ```python
    likelihood = mimo_keras.training.likelihoods.Quantiles(
        1, levels=(0.1, 0.5, 0.9))
    likelihood.outputs                                       # 3
    ```

    Reference:
        Koenker and Bassett, Regression quantiles, Econometrica 1978.
    """

    levels: tuple = LEVELS

    score = "pinball"

    def __post_init__(self):
        super().__post_init__()
        levels = checked_levels(self.levels)
        if not isinstance(levels, list) or (np.diff(levels) <= 0).any():
            raise expected(
                "levels of quantiles in ascending order",
                f"levels={self.levels!r}",
                "Write for example (0.05, 0.5, 0.95).",
            )
        object.__setattr__(self, "levels", tuple(levels))

    @property
    def outputs(self):
        return len(self.levels) * self.output_dim

    @property
    def mixture(self):
        """The average of the members' quantiles."""
        return QuantileMixture(self.levels)

    def member_loss(self, targets, outputs):
        found = self.mixture.quantiles(outputs)
        return losses.pinball(ops.expand_dims(targets, 2), found, self.levels)

    def mixture_score(self, targets, outputs, log_weights):
        weights = ops.exp(log_weights)
        found = self.mixture.predictions(outputs, weights)["quantiles"]
        own = ops.expand_dims(targets, 1)
        return losses.pinball(own, found, self.levels)

    def members(self, outputs):
        """Returns the members' quantiles (n, E, Q, d), in float64.

        Args:
            outputs: (n, E, Q·d), an array.
        """
        size, count = self.output_dim, len(self.levels)
        outputs = np.asarray(outputs, np.float64)
        middle, raw = np.split(outputs, [size], axis=-1)
        gaps = np.logaddexp(0.0, raw).reshape(
            *outputs.shape[:-1], count - 1, size
        )
        above = np.insert(gaps.cumsum(axis=-2), 0, 0.0, axis=-2)
        half = above[..., count // 2 : count // 2 + 1, :]
        return middle[..., None, :] + above - half

    def covering(self, examples, options):
        members = self.members(examples.outputs)
        weights = np.exp(examples.log_weights)
        quantiles = np.einsum("e,beqd->bqd", weights, members)
        return covering.quantile_intervals(examples, options, quantiles)

    def quantile(self, levels, log_weights):
        return InterpolatedQuantiles(levels, self.levels)
