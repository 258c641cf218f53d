"""The average of members that predict quantiles."""

import dataclasses

from keras import ops

from mimo_keras.layers import mixtures
from mimo_keras.layers.gaussian_mixture import softplus
from mimo_keras.layers.registration import serializable


@serializable
@dataclasses.dataclass(frozen=True)
class QuantileMixture(mixtures.Mixture):
    """For (B, E, Q·d): quantiles at Q levels of d numbers, averaged.

    The first d outputs are the quantiles of the middle level, number ⌊Q / 2⌋;
    softplus of the others, d for each pair of neighboring levels, is how far
    these are apart. So quantiles never cross. The ensemble's are Σ_e w_e q_e,
    at the same level: this average of quantile functions is sharper than the
    mixture of the members' distributions.

    The dictionary has "median" (B, d), the quantile of the middle level,
    "quantiles" (B, Q, d) and "member_quantiles" (B, E, Q, d).

    Attributes:
        levels: Q ascending levels between 0 and 1.

    Example:

    ```python
    outputs = np.array([[[1.0, 0.0, 0.0]]], "float32")       # One member.
    mixture = mimo_keras.layers.QuantileMixture((0.1, 0.5, 0.9))
    found = mixture.predictions(outputs, np.array([1.0], "float32"))
    quantiles = found["quantiles"]                           # 1 ± log 2
    ```

    Reference:
        Lichtendahl, Grushka-Cockayne and Winkler, Is it better to average
        probabilities or quantiles?, Management Science 2013.
    """

    levels: tuple

    def __post_init__(self):
        object.__setattr__(self, "levels", tuple(self.levels))

    def quantiles(self, outputs):
        """Returns quantiles (…, Q, d) of outputs (…, Q·d).

        Args:
            outputs: The heads' outputs, (…, Q·d).
        """
        count = len(self.levels)
        size = outputs.shape[-1] // count
        first, raw = outputs[..., None, :size], outputs[..., size:]
        if count == 1:
            return first
        batch = [-1, *outputs.shape[1:-1]]
        gaps = ops.reshape(softplus(raw), (*batch, count - 1, size))
        above = ops.cumsum(gaps, axis=-2)
        above = ops.concatenate([ops.zeros_like(first), above], axis=-2)
        middle = count // 2
        return first + (above - above[..., middle : middle + 1, :])

    def activated(self, outputs):
        """Returns the quantiles of the middle level, (…, d)."""
        return outputs[..., : outputs.shape[-1] // len(self.levels)]

    def predictions(self, outputs, weights):
        members = self.quantiles(outputs)
        return {
            "median": self.mixed(outputs, weights),
            "quantiles": ops.einsum("e,beqd->bqd", weights, members),
            "member_quantiles": members,
        }
