"""Likelihoods of labels that are 0 or 1, each on its own."""

import dataclasses

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import BernoulliMixture
from mimo_keras.layers.registration import serializable
from mimo_keras.training import data_checks, losses
from mimo_keras.training.likelihoods.likelihood import Likelihood, make_whole


@dataclasses.dataclass(frozen=True)
class OfLabels(Likelihood):
    """Base of what has a logit for each label.

    Its loss and "nll" are means over the labels, as Keras's
    BinaryCrossentropy. Targets are 0 or 1, or probabilities of 1.
    """

    task = "classification"
    score = "nll"
    activations = ("linear", "sigmoid")
    mixture = BernoulliMixture()

    def member_loss(self, targets, outputs):
        return ops.mean(losses.bernoulli_nll(targets, outputs), axis=-1)

    def mixture_score(self, targets, outputs, log_weights):
        found = losses.bernoulli_mixture_nll(targets, outputs, log_weights)
        return ops.mean(found, axis=-1)

    def check_shape(self, shape):
        data_checks.check_rank(shape)
        flat = self.outputs == 1 and len(shape) == 1
        if not flat and tuple(shape[1:]) != (self.outputs,):
            wanted = "(B,) or (B, 1)" if self.outputs == 1 else None
            raise expected(
                f"labels 0 or 1 of shape {wanted or f'(B, {self.outputs})'}",
                f"shape={tuple(shape)}",
                "Reshape them, or choose another likelihood.",
            )

    def check_targets(self, targets):
        targets = data_checks.numbers(targets)
        data_checks.check_numeric(targets)
        self.check_shape(targets.shape)
        bad = targets[self.faults(targets.astype("float64"))]
        if bad.size:
            raise self.fault_error(f"{bad[0]:g}")

    def faults(self, targets):
        return ~((targets >= 0) & (targets <= 1))

    def fault_error(self, value):
        return expected(
            "labels 0 or 1, or probabilities of 1",
            f"label={value}",
            "Fix the labels: 0 is no, 1 is yes.",
        )

    def targets(self, y):
        y = ops.convert_to_tensor(y)
        self.check_shape(y.shape)
        return ops.reshape(ops.cast(y, "float32"), (-1, self.outputs))

    def specs(self, shape=None):
        one = keras.KerasTensor((None, self.outputs), "float32")
        return one, one

    def check_classes(self):
        raise expected(
            "a predictor of one class among several",
            f"likelihood={self}",
            "Create the model with num_classes alone, such as 2.",
        )

    def held_out(self, outputs, targets):
        self.check_classes()


@serializable
@dataclasses.dataclass(frozen=True)
class Binary(OfLabels):
    """One logit: the label is 1 with probability sigmoid(logit).

    Example:

    ```python
    likelihood = mimo_keras.training.likelihoods.Binary()
    likelihood.outputs                                       # 1
    ```
    """

    num_classes = 2
    outputs = 1

    def default_metrics(self):
        return ["accuracy"]


@serializable
@dataclasses.dataclass(frozen=True)
class Multilabel(OfLabels):
    """K labels, of which any number may be 1: a logit for each.

    Attributes:
        num_classes: K.

    Example:

    ```python
    likelihood = mimo_keras.training.likelihoods.Multilabel(3)
    likelihood.outputs                                       # 3
    ```
    """

    num_classes: int

    one_class = False

    def __post_init__(self):
        make_whole(self, "num_classes", 1)

    @property
    def outputs(self):
        return self.num_classes

    def default_metrics(self):
        return ["binary_accuracy"]
