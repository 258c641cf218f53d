"""The likelihood of a mean and a standard deviation."""

import dataclasses

import numpy as np
from keras import ops

from mimo_keras.layers import GaussianMixture
from mimo_keras.layers.gaussian_mixture import FLOOR
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction import precise
from mimo_keras.prediction.mixture_quantiles import MixtureQuantiles
from mimo_keras.training import losses
from mimo_keras.training.likelihoods.likelihood import make_number
from mimo_keras.training.likelihoods.means import OfNumbers


@serializable
@dataclasses.dataclass(frozen=True)
class Gaussian(OfNumbers):
    """Regression by a mean and a standard deviation for each of d numbers.

    A member's head returns 2d outputs, see `layers.GaussianMixture`. Its loss
    is the negative log-likelihood -log N(y; μ, σ²), summed over the d numbers;
    with β > 0, that of each number times σ^2β, through which no gradient
    flows: β = 1 learns means as the squared error does, 0.5 is between both.
    "nll" is reported with β = 0, and that of the mixture is
    -log Σ_e w_e Π_i N(y_i; μ_ei, σ_ei²).

    Attributes:
        output_dim: d.
        beta: β, in [0, 1].
        floor: The least σ.

    Example:

    ```python
    likelihood = mimo_keras.training.likelihoods.Gaussian(2, beta=0.5)
    likelihood.outputs                                       # 4
    ```

    Reference:
        Lakshminarayanan et al., Simple and scalable predictive uncertainty
        estimation using deep ensembles, NeurIPS 2017, section 2.2; Seitzer et
        al., On the pitfalls of heteroscedastic uncertainty estimation with
        probabilistic neural networks, ICLR 2022, section 4.
    """

    beta: float = 0.0
    floor: float = FLOOR

    score = "nll"

    def __post_init__(self):
        super().__post_init__()
        make_number(self, "beta", 0, 1)
        make_number(self, "floor", 1e-6)

    @property
    def outputs(self):
        return 2 * self.output_dim

    @property
    def mixture(self):
        """The mixture of the members' normal distributions."""
        return GaussianMixture(self.floor)

    def member_loss(self, targets, outputs):
        means, stds = self.mixture.parameters(outputs)
        each = losses.gaussian_nll(targets, means, stds)
        if self.beta:
            factors = ops.power(ops.stop_gradient(stds), 2 * self.beta)
            each = factors * each
        return ops.sum(each, axis=-1)

    def member_score(self, targets, outputs):
        means, stds = self.mixture.parameters(outputs)
        return ops.sum(losses.gaussian_nll(targets, means, stds), axis=-1)

    def mixture_score(self, targets, outputs, log_weights):
        members = self.member_score(ops.expand_dims(targets, 1), outputs)
        log_weights = ops.convert_to_tensor(log_weights, "float32")
        return -ops.logsumexp(log_weights - members, axis=1)

    def moments(self, outputs, log_weights):
        means, stds = self.members(outputs)
        return precise.moments(means, log_weights, stds)

    def members(self, outputs):
        """Returns the members' means and standard deviations, in float64.

        Args:
            outputs: (…, 2d), an array.
        """
        means, raw = np.split(np.asarray(outputs, np.float64), 2, axis=-1)
        return means, self.floor + np.logaddexp(0.0, raw)

    def quantile(self, levels, log_weights):
        return MixtureQuantiles(levels, log_weights)
