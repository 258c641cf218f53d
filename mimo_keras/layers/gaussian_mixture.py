"""The mixture of members that predict a mean and a standard deviation."""

import dataclasses

from keras import ops

from mimo_keras.layers import mixtures
from mimo_keras.layers.registration import serializable

FLOOR = 1e-3
"""Default of the least standard deviation."""
STEPS = 32
"""Halvings of a quantile's bracket: more than float32 tells apart."""


@serializable
@dataclasses.dataclass(frozen=True)
class GaussianMixture(mixtures.Mixture):
    """For (B, E, 2d): p(y|x) = Σ_e w_e N(y; μ_e, σ_e²).

    The first d outputs are the means μ; from the others, s, come the standard
    deviations σ = floor + softplus(s).

    The dictionary has "mean" (B, d) and "std" (B, d) of the mixture, whose
    variance is the sum of "aleatoric_variance" Σ_e w_e σ_e² and
    "epistemic_variance" Σ_e w_e (μ_e - μ)², both (B, d); and "member_means" and
    "member_stds", (B, E, d).

    Attributes:
        floor: The least standard deviation, in the units of the targets.

    Example:

    ```python
    outputs = np.array([[[1.0, 0.0], [3.0, 0.0]]], "float32")  # Two members.
    mixture = mimo_keras.layers.GaussianMixture()
    found = mixture.predictions(outputs, np.array([0.5, 0.5], "float32"))
    variance = found["epistemic_variance"]                   # [[1.0]]
    ```

    Reference:
        Lakshminarayanan et al., Simple and scalable predictive uncertainty
        estimation using deep ensembles, NeurIPS 2017, section 2.2.
    """

    floor: float = FLOOR

    def parameters(self, outputs):
        """Returns means and standard deviations, (…, d), of (…, 2d).

        Args:
            outputs: The heads' outputs, (…, 2d).
        """
        size = outputs.shape[-1] // 2
        means, raw = outputs[..., :size], outputs[..., size:]
        return means, self.floor + softplus(raw)

    def activated(self, outputs):
        """Returns the means, (…, d)."""
        return self.parameters(outputs)[0]

    def predictions(self, outputs, weights):
        means, stds = self.parameters(outputs)
        mean = mixtures.average(means, weights)
        spread = ops.square(means - ops.expand_dims(mean, 1))
        aleatoric = mixtures.average(ops.square(stds), weights)
        epistemic = mixtures.average(spread, weights)
        return {
            "mean": mean,
            "std": ops.sqrt(aleatoric + epistemic),
            "aleatoric_variance": aleatoric,
            "epistemic_variance": epistemic,
            "member_means": means,
            "member_stds": stds,
        }


def softplus(x):
    """Returns log(1 + e^x), in operations that no runtime overflows in.

    LiteRT computes Keras's as written here, which is infinite from x = 89, and
    tf2onnx knows no log1p.
    """
    # Unlike max(x, 0), this has the derivative 1/2 at 0.
    positive = 0.5 * (x + ops.abs(x))
    return positive + ops.log(1.0 + ops.exp(-ops.abs(x)))


def normal_cdf(z):
    """Returns Φ(z) of the standard normal distribution.

    Its relative error is below 1e-5 in both tails. LiteRT has no error
    function.

    Reference:
        Press et al., Numerical recipes, 3rd edition, 2007, section 6.2.2: a
        Chebyshev fit of erfc.
    """
    x = ops.abs(z) * 2**-0.5
    t = 1.0 / (1.0 + 0.5 * x)
    power = ops.zeros_like(t)
    for coefficient in _ERFC:
        power = power * t + coefficient
    tail = 0.5 * t * ops.exp(-x * x + power)
    return ops.where(z > 0, 1.0 - tail, tail)


_ERFC = (
    *(0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807),
    *(-0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223),
)
