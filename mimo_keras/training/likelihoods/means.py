"""Likelihoods of numbers: what all of them share, and that of means."""

import dataclasses

import keras
import numpy as np
from keras import ops

from mimo_keras.layers import mixtures
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction import covering, precise
from mimo_keras.training import data_checks, losses
from mimo_keras.training.likelihoods.likelihood import Likelihood, make_whole


@dataclasses.dataclass(frozen=True)
class OfNumbers(Likelihood):
    """Base of regressions: targets are d numbers.

    Attributes:
        output_dim: d.
    """

    output_dim: int

    task = "regression"
    num_classes = None

    def __post_init__(self):
        make_whole(self, "output_dim", 1)

    def moments(self, outputs, log_weights):
        """Returns the mixture's mean and the standard deviation around it.

        Args:
            outputs: The members', (n, E, outputs), float64.
            log_weights: The E log mixture weights.

        Returns:
            Two arrays (n, d).
        """
        raise NotImplementedError

    def check_shape(self, shape):
        data_checks.check_target_shape(shape, self.output_dim)

    def check_targets(self, targets):
        targets = data_checks.numbers(targets)
        self.check_shape(targets.shape)
        data_checks.check_numeric(targets)
        data_checks.check_finite(targets, "targets")

    def targets(self, y):
        y = ops.convert_to_tensor(y)
        self.check_shape(y.shape)
        return ops.reshape(ops.cast(y, "float32"), (-1, self.output_dim))

    def specs(self, shape=None):
        one = keras.KerasTensor((None, self.output_dim), "float32")
        return one, one

    def held_out(self, outputs, targets):
        self.check_targets(targets)
        return outputs, np.asarray(targets, np.float64)

    def covering(self, examples, options):
        moments = self.moments(examples.outputs, examples.log_weights)
        return covering.intervals(examples, options, *moments)


@serializable
@dataclasses.dataclass(frozen=True)
class Mean(OfNumbers):
    """Regression by squared error: outputs are means of d numbers.

    It is the likelihood of a Gaussian whose variance is not modelled. The
    squared error, "mse", replaces the negative log-likelihood, to which a
    member's is equal up to a factor and a constant; the mixture's is the
    squared error of the mean of the members' means.

    Attributes:
        output_dim: d.

    Example:

    ```python
    likelihood = mimo_keras.training.likelihoods.Mean(2)
    likelihood.outputs                                       # 2
    ```
    """

    score = "mse"
    mixture = mixtures.MeanMixture()

    @property
    def outputs(self):
        return self.output_dim

    def member_loss(self, targets, outputs):
        return losses.squared_error(targets, outputs)

    def mixture_score(self, targets, outputs, log_weights):
        mean = self.mixture.mixed(outputs, ops.exp(log_weights))
        return losses.squared_error(targets, mean)

    def moments(self, outputs, log_weights):
        return precise.moments(outputs, log_weights)
