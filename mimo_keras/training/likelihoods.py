"""Likelihoods: what outputs mean, and how well they fit the targets.

A method builds a network with a number of outputs and knows nothing else about
them. Everything that depends on their meaning is defined by one object: how
they become predictions, what a step minimizes, what targets look like. To add
a likelihood, write its class here; no other code asks which one it has.
"""

import dataclasses
import numbers

import keras
import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import mixtures
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction import covering, held_out
from mimo_keras.training import data_checks, losses


@dataclasses.dataclass(frozen=True)
class Likelihood:
    """What a model needs to know about its outputs and targets.

    Subclasses are frozen dataclasses decorated with `serializable`; their
    fields are their config. N are rows, B images, E components.

    Attributes:
        task: "classification" or "regression", for display.
        num_classes: K; None if targets are not classes.
        mixture: `layers.mixtures.Mixture`: the members' activation, the
            ensemble's prediction and the predictor's dictionary.
        score: Name of `mixture_score`, which is always reported: "nll" only
            where it is a negative log-likelihood.
    """

    @property
    def outputs(self):
        """Number of outputs of each member's head."""
        raise NotImplementedError

    def member_loss(self, targets, outputs):
        """Returns each member's own loss.

        Args:
            targets: (N, E, …), for each member as `targets` returns them.
            outputs: (N, E, outputs), float32.

        Returns:
            (N, E).
        """
        raise NotImplementedError

    def mixture_score(self, targets, outputs, log_weights):
        """Returns how well the ensemble predicts, such as its NLL.

        Args:
            targets: (B, …), as `targets` returns them.
            outputs: (B, E, outputs), float32.
            log_weights: E log mixture weights.

        Returns:
            (B,); lower is better.
        """
        raise NotImplementedError

    def check_shape(self, shape):
        """Raises InputError unless the shape fits a batch of targets."""
        raise NotImplementedError

    def check_targets(self, targets):
        """Raises InputError unless an array or list of targets fits."""
        raise NotImplementedError

    def faults(self, targets):
        """Returns which targets of a batch are invalid, as booleans.

        Args:
            targets: Array, or TensorFlow's tensor, float64: no smaller dtype
                of labels holds every number of classes.
        """
        return (targets - targets) != 0  # NaN and infinity.

    def fault_error(self, value):
        """Returns the error about a target that `faults` found."""
        return expected(
            "finite targets", f"{value} in a batch", "Remove or fix it."
        )

    def targets(self, y):
        """Returns a step's targets in the shape that the losses expect.

        Args:
            y: Tensor or array of a shape that `check_shape` accepts.

        Raises:
            InputError: Its shape does not fit.
        """
        raise NotImplementedError

    def specs(self, shape=None):
        """Returns KerasTensors of the metrics' inputs: targets, predictions.

        Args:
            shape: Shape of a batch of targets; None for the usual one.
        """
        raise NotImplementedError

    def default_metrics(self):
        """Returns the metrics used if `compile` is given none, or None."""
        return None

    def check_classes(self):
        """Raises InputError unless a predictor's outputs are of classes."""
        raise expected(
            "a predictor of classes",
            f"likelihood={self}",
            "Use prediction_sets, which are intervals for this one.",
        )

    def held_out(self, outputs, targets):
        """Returns examples to fit to, checked.

        Args:
            outputs: The members', (n, E, outputs), float64.
            targets: (n, …), an array.

        Raises:
            InputError: They do not fit.
        """
        raise NotImplementedError

    def covering(self, examples, options):
        """Returns the fitted stage whose sets or intervals cover targets.

        Args:
            examples: `prediction.covering.Examples`.
            options: `prediction.covering.Options`.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the fields, as Keras saves them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        """Returns the likelihood that `get_config` described."""
        return cls(**config)


@serializable
@dataclasses.dataclass(frozen=True)
class Categorical(Likelihood):
    """One of K classes: outputs are logits, targets are class indices.

    Targets (B, K) are probabilities of the classes: one-hot or soft labels.

    Attributes:
        num_classes: K.
    """

    num_classes: int

    task = "classification"
    score = "nll"
    mixture = mixtures.CategoricalMixture()

    def __post_init__(self):
        _make_whole(self, "num_classes", 2)

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


@serializable
@dataclasses.dataclass(frozen=True)
class Mean(Likelihood):
    """Regression by squared error: outputs are means of d numbers.

    It is the likelihood of a Gaussian whose variance is not modelled. The
    squared error, "mse", replaces the negative log-likelihood, to which a
    member's is equal up to a factor and a constant; the mixture's is the
    squared error of the mean of the members' means.

    Attributes:
        output_dim: d.
    """

    output_dim: int

    task = "regression"
    score = "mse"
    num_classes = None
    mixture = mixtures.MeanMixture()

    def __post_init__(self):
        _make_whole(self, "output_dim", 1)

    @property
    def outputs(self):
        return self.output_dim

    def member_loss(self, targets, outputs):
        return losses.squared_error(targets, outputs)

    def mixture_score(self, targets, outputs, log_weights):
        mean = self.mixture.mixed(outputs, ops.exp(log_weights))
        return losses.squared_error(targets, mean)

    def check_shape(self, shape):
        data_checks.check_target_shape(shape, self.output_dim)

    def check_targets(self, targets):
        targets = np.asarray(targets)
        self.check_shape(targets.shape)
        data_checks.check_numeric(targets)
        data_checks.check_finite(targets, "targets")

    def targets(self, y):
        y = ops.convert_to_tensor(y)
        self.check_shape(y.shape)
        return ops.reshape(y, (-1, self.output_dim))

    def specs(self, shape=None):
        one = keras.KerasTensor((None, self.output_dim), "float32")
        return one, one

    def held_out(self, outputs, targets):
        self.check_targets(targets)
        return outputs, np.asarray(targets, np.float64)

    def covering(self, examples, options):
        return covering.intervals(examples, options)


def of_outputs(num_classes, output_dim=None):
    """Returns the likelihood for classification or for regression.

    Args:
        num_classes: K for classification; None for regression.
        output_dim: d, the number of outputs of a regression; otherwise None.

    Raises:
        InputError: Not exactly one is given, or it is not a valid count.
    """
    if (num_classes is None) == (output_dim is None):
        raise expected(
            "num_classes for classification or output_dim for regression",
            f"num_classes={num_classes}, output_dim={output_dim}",
            "Give exactly one of them.",
        )
    return Mean(output_dim) if num_classes is None else Categorical(num_classes)


def from_saved(config, network):
    """Takes the likelihood out of a model's config, of any version.

    Args:
        config: Dictionary: "likelihood" as serialized by Keras; in older
            versions, "num_classes" of an `EnsembleModel` or "task" of a
            `Predictor`. These keys are removed.
        network: The model's `keras.Model`, which gives the number of outputs
            for older configs.

    Returns:
        `Likelihood`.
    """
    if "likelihood" in config:
        return keras.saving.deserialize_keras_object(config.pop("likelihood"))
    outputs = network.outputs[0].shape[-1]
    classes = config.pop("num_classes", None)
    if config.pop("task", None) == Categorical.task:
        classes = outputs
    return of_outputs(classes, outputs if classes is None else None)


def _make_whole(likelihood, name, least):
    """Converts a field to a Python int, which a config can hold."""
    value = getattr(likelihood, name)
    if not isinstance(value, numbers.Integral) or value < least:
        raise expected(
            f"{name} to be a whole number of at least {least}",
            f"{name}={value!r}",
            "Count the outputs of the task.",
        )
    object.__setattr__(likelihood, name, int(value))
