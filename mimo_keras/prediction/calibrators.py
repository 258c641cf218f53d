"""Layers that replace an ensemble's probabilities by calibrated ones."""

import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import mixtures
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.stages import Stage


class Calibrator(Stage):
    """Base of what replaces "probabilities" and "entropy".

    The members' own outputs stay as they are, and with them
    "mutual_information", which says how much the members disagree.
    """

    calibrates = True

    def probabilities(self, outputs, logits):
        """Returns the calibrated probabilities, (B, K)."""
        raise NotImplementedError

    def call(self, outputs, logits):
        probabilities = self.probabilities(outputs, logits)
        return {
            **outputs,
            "probabilities": probabilities,
            "entropy": mixtures.entropy(probabilities),
        }


@serializable
class Temperature(Calibrator):
    """q = softmax(log p / T), where p is the mixture of all members.

    Args:
        temperature: T > 0; above 1 makes the prediction less confident.
        log_weights: The E log mixture weights.
        fitted_on: See `Stage`.

    Example:

    ```python
    warm = mimo_keras.prediction.Temperature(2.0, log_weights=[0.0])
    logits = np.array([[[2.0, 0.0]]], "float32")
    warm({}, logits)["probabilities"]                        # (B, K)
    ```

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017,
        section 4.2; of the mixture, not of the members: Rahaman and Thiery,
        Uncertainty quantification and deep ensembles, NeurIPS 2021.
    """

    def __init__(self, temperature, log_weights, **kwargs):
        super().__init__(**kwargs)
        self.temperature = float(temperature)
        self.log_weights = [float(weight) for weight in log_weights]
        check_positive("temperature", self.temperature)

    def probabilities(self, outputs, logits):
        mixed = log_mixture(logits, self.log_weights)
        return ops.softmax(mixed / self.temperature, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "log_weights": self.log_weights,
        }


@serializable
class MemberTemperatures(Stage):
    """Each member's logits divided by a temperature of its own, then mixed.

    Args:
        temperatures: E temperatures.
        log_weights: The E log mixture weights.
        fitted_on: See `Stage`.

    Members that are calibrated one by one make a mixture that is not confident
    enough, because averaging adds uncertainty: see the reference. It is here
    to compare with, and for members that are used alone.

    Example:

    ```python
    logits = np.array([[[2.0, 0.0]]], "float32")             # (B, E, K)
    outputs = {"probabilities": np.array([[0.88, 0.12]], "float32")}
    stage = mimo_keras.prediction.MemberTemperatures([2.0], log_weights=[0.0])
    stage(outputs, logits)["probabilities"]                  # (B, K)
    ```

    Reference:
        Rahaman and Thiery, Uncertainty quantification and deep ensembles,
        NeurIPS 2021, section 3.
    """

    calibrates = True

    def __init__(self, temperatures, log_weights, **kwargs):
        super().__init__(**kwargs)
        self.temperatures = [float(value) for value in temperatures]
        self.log_weights = [float(weight) for weight in log_weights]
        for value in self.temperatures:
            check_positive("temperatures", value)

    def call(self, outputs, logits):
        temperatures = np.array(self.temperatures, "float32")[:, np.newaxis]
        weights = np.exp(self.log_weights).astype("float32")
        found = mixtures.CategoricalMixture().predictions(
            logits / temperatures, ops.convert_to_tensor(weights)
        )
        return {**outputs, **found}

    def get_config(self):
        return {
            **super().get_config(),
            "temperatures": self.temperatures,
            "log_weights": self.log_weights,
        }


@serializable
class VectorScaling(Calibrator):
    """q = softmax(a ∘ log p + b), with a scale and a shift for each class.

    Args:
        scales: a, (K,).
        shifts: b, (K,).
        log_weights: The E log mixture weights.
        fitted_on: See `Stage`.

    Example:

    ```python
    logits = np.array([[[2.0, 0.0]]], "float32")             # (B, E, K)
    outputs = {"probabilities": np.array([[0.88, 0.12]], "float32")}
    stage = mimo_keras.prediction.VectorScaling(
        [1, 1], [0, 0], log_weights=[0.0])
    stage(outputs, logits)["probabilities"]                  # (B, K)
    ```

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017,
        section 4.2.
    """

    def __init__(self, scales, shifts, log_weights, **kwargs):
        super().__init__(**kwargs)
        self.scales = [float(value) for value in scales]
        self.shifts = [float(value) for value in shifts]
        self.log_weights = [float(weight) for weight in log_weights]

    def probabilities(self, outputs, logits):
        scales = np.array(self.scales, "float32")
        shifts = np.array(self.shifts, "float32")
        mixed = log_mixture(logits, self.log_weights)
        return ops.softmax(scales * mixed + shifts, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "scales": self.scales,
            "shifts": self.shifts,
            "log_weights": self.log_weights,
        }


@serializable
class Isotonic(Calibrator):
    """A nondecreasing function of each class's probability, then normalized.

    The functions are linear between given points and constant outside of them.
    Where all of them are 0 the probabilities stay as they are.

    Args:
        inputs: For each class, ascending probabilities: K sequences of P_k.
        values: The calibrated probabilities there, nondecreasing.
        fitted_on: See `Stage`.

    Example:

    ```python
    logits = np.array([[[2.0, 0.0]]], "float32")             # (B, E, K)
    outputs = {"probabilities": np.array([[0.88, 0.12]], "float32")}
    stage = mimo_keras.prediction.Isotonic([[0, 1], [0, 1]], [[0, 1], [0, 1]])
    stage(outputs, logits)["probabilities"]                  # (B, K)
    ```

    Reference:
        Zadrozny and Elkan, Transforming classifier scores into accurate
        multiclass probability estimates, KDD 2002, section 5.
    """

    def __init__(self, inputs, values, **kwargs):
        super().__init__(**kwargs)
        self.inputs = [[float(x) for x in row] for row in inputs]
        self.values = [[float(y) for y in row] for row in values]

    def probabilities(self, outputs, logits):
        before = outputs["probabilities"]
        starts, widths, rises = _pieces(self.inputs, self.values)
        first = np.array([row[0] for row in self.values], "float32")
        # How far along each piece: sums of such parts do not cancel.
        along = (before[:, :, None] - starts) / widths
        along = ops.minimum(ops.maximum(along, 0.0), 1.0)
        curve = first + ops.sum(along * rises, axis=-1)
        total = ops.sum(curve, axis=-1, keepdims=True)
        some = total > 0
        return ops.where(some, curve / ops.where(some, total, 1.0), before)

    def get_config(self):
        return {
            **super().get_config(),
            "inputs": self.inputs,
            "values": self.values,
        }


def _pieces(inputs, values):
    """Returns starts, widths and rises of the linear pieces, (K, P)."""
    most = max(map(len, inputs)) - 1
    starts, rises = np.zeros((2, len(inputs), most), "float32")
    widths = np.ones_like(starts)
    for k, (x, y) in enumerate(zip(inputs, values, strict=True)):
        count = len(x) - 1
        starts[k, :count] = x[:-1]
        # Points that are one in float32 become a step.
        widths[k, :count] = np.maximum(np.diff(x), 1e-9)
        rises[k, :count] = np.diff(y)
    return starts, widths, rises


def log_mixture(logits, log_weights):
    """Returns log Σ_e w_e softmax(logits_e), (B, K), in float32.

    Args:
        logits: (B, E, K).
        log_weights: E log mixture weights.
    """
    weights = np.array(log_weights, "float32")[:, np.newaxis]
    # A weight of 0 must not become NaN.
    weights = np.maximum(weights, -1e30)
    members = ops.log_softmax(logits, axis=-1)
    return ops.logsumexp(members + weights, axis=1)


def check_positive(name, value):
    """Raises InputError unless a number is finite and above 0."""
    if not 0 < value < float("inf"):
        raise expected(
            f"{name} above 0", f"{name}={value}", "Fit it with calibrate."
        )
