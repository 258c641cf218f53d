"""Likelihoods of classes."""

import dataclasses

import keras
import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import mixtures
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction import covering, held_out
from mimo_keras.training import data_checks, losses
from mimo_keras.training.likelihoods.likelihood import Likelihood, make_whole


@serializable
@dataclasses.dataclass(frozen=True)
class Categorical(Likelihood):
    """One of K classes: outputs are logits, targets are class indices.

    Targets (B, K) are probabilities of the classes: one-hot or soft labels.

    Attributes:
        num_classes: K.

    Example:

    ```python
    likelihood = mimo_keras.training.likelihoods.Categorical(10)
    likelihood.outputs                                       # 10
    ```
    """

    num_classes: int

    task = "classification"
    score = "nll"
    activations = ("linear", "softmax")
    mixture = mixtures.CategoricalMixture()

    def __post_init__(self):
        make_whole(self, "num_classes", 2)

    @property
    def outputs(self):
        return self.num_classes

    def member_loss(self, targets, outputs):
        return losses.cross_entropy(targets, outputs)

    def mixture_score(self, targets, outputs, log_weights):
        return losses.mixture_nll(targets, outputs, log_weights)

    def check_shape(self, shape):
        data_checks.check_label_shape(shape, self.num_classes)

    def check_targets(self, targets):
        data_checks.check_labels(targets, self.num_classes)

    def faults(self, targets):
        if self._has_probabilities(targets.shape):
            sums = targets @ np.ones((self.num_classes, 1))
            return ~((targets >= 0) & (abs(sums - 1) < data_checks.ROUNDING))
        return (
            (targets % 1 != 0) | (targets < 0) | (targets >= self.num_classes)
        )

    def fault_error(self, value):
        return expected(
            f"integer labels in 0 … {self.num_classes - 1}, or probabilities "
            "of the classes that sum to 1",
            f"label={value} in a batch",
            "Fix the labels, or create the model with more num_classes.",
        )

    def targets(self, y):
        y = ops.convert_to_tensor(y)
        self.check_shape(y.shape)
        if self._has_probabilities(y.shape):
            return ops.cast(y, "float32")
        return ops.reshape(y, (-1,))

    def specs(self, shape=None):
        predictions = keras.KerasTensor((None, self.num_classes), "float32")
        if shape is not None and self._has_probabilities(shape):
            return predictions, predictions
        return keras.KerasTensor((None,), "int32"), predictions

    def _has_probabilities(self, shape):
        return len(shape) == 2 and shape[1] == self.num_classes

    def default_metrics(self):
        return ["accuracy"]

    def check_classes(self):
        pass

    def held_out(self, outputs, targets):
        return held_out.checked(outputs, targets)

    def covering(self, examples, options):
        return covering.class_sets(examples, options)
