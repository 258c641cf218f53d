"""The interface of a likelihood."""

import dataclasses
import math

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_number, is_whole


@dataclasses.dataclass(frozen=True)
class Likelihood:
    """What a model needs to know about its outputs and targets.

    Subclasses are frozen dataclasses decorated with `serializable`; their
    fields are their config. N are rows, B images, E components.

    Attributes:
        task: "classification" or "regression", for display.
        num_classes: K; None if targets are not classes.
        one_class: Whether an example has one class, by which class_weight can
            weight it.
        mixture: `layers.mixtures.Mixture`: the members' activation, the
            ensemble's prediction and the predictor's dictionary.
        score: Name of `mixture_score`, which is always reported: "nll" only
            where it is a negative log-likelihood.
        activations: What may follow the head of a trained network whose
            predictions are of this likelihood.

    Example:

    ```python
    kind = mimo_keras.training.likelihoods.Likelihood
    isinstance(model.likelihood, kind)                       # True
    ```
    """

    one_class = True
    activations = ("linear",)

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

    def member_score(self, targets, outputs):
        """Returns how well each member predicts: its part of `score`.

        It differs from `member_loss` where a step minimizes something else.

        Args:
            targets: (N, E, …), as for `member_loss`.
            outputs: (N, E, outputs), float32.
        """
        return self.member_loss(targets, outputs)

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
        """Raises InputError unless the shape fits a batch of targets.

        Args:
            shape: Tuple of sizes, None where one is unknown.
        """
        raise NotImplementedError

    def check_targets(self, targets):
        """Raises InputError unless an array or list of targets fits.

        Args:
            targets: All targets, as `fit` takes them.
        """
        raise NotImplementedError

    def faults(self, targets):
        """Returns which targets of a batch are invalid, as booleans.

        Args:
            targets: Array, or TensorFlow's tensor, float64: no smaller dtype
                of labels holds every number of classes.
        """
        return (targets - targets) != 0  # NaN and infinity.

    def fault_error(self, value):
        """Returns the error about a target that `faults` found.

        Args:
            value: The target.
        """
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

    def quantile(self, levels, log_weights):
        """Returns the stage that adds quantiles of the mixture.

        Args:
            levels: One level between 0 and 1, or several.
            log_weights: E log mixture weights.

        Raises:
            InputError: The ensemble predicts no distribution of numbers.
        """
        raise expected(
            "a predictor of distributions",
            f"likelihood={self}",
            'Create the model with likelihood="gaussian".',
        )

    def get_config(self):
        """Returns the fields, as Keras saves them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        """Returns the likelihood that `get_config` described.

        Args:
            config: Its dictionary.
        """
        return cls(**config)


def make_whole(likelihood, name, least):
    """Converts a field to a Python int, which a config can hold.

    Args:
        likelihood: `Likelihood`.
        name: The field's name.
        least: Its smallest value.

    Raises:
        InputError: It is no such number.
    """
    value = getattr(likelihood, name)
    if not is_whole(value) or value < least:
        raise expected(
            f"{name} to be a whole number of at least {least}",
            f"{name}={value!r}",
            "Count the outputs of the task.",
        )
    object.__setattr__(likelihood, name, int(value))


def make_number(likelihood, name, least, most=math.inf):
    """Converts a field to a Python float; arguments as of `make_whole`."""
    value = getattr(likelihood, name)
    if not is_number(value) or not least <= value <= most or math.isinf(value):
        most = "" if math.isinf(most) else f" and at most {most:g}"
        raise expected(
            f"{name} to be a number of at least {least:g}{most}",
            f"{name}={value!r}",
            "Leave it out for the usual one.",
        )
    object.__setattr__(likelihood, name, float(value))
