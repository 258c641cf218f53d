"""All measures of a model on any data, in one call."""

import functools

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.evaluation import calibration
from mimo_keras.evaluation.classification import Classification
from mimo_keras.evaluation.further import Further
from mimo_keras.evaluation.gaussian_regression import GaussianRegression
from mimo_keras.evaluation.quantile_regression import QuantileRegression
from mimo_keras.evaluation.regression import Regression
from mimo_keras.prediction import held_out, precise
from mimo_keras.training.given_predictor import predictor_of
from mimo_keras.training.likelihoods import (
    Categorical,
    Gaussian,
    Mean,
    Quantiles,
)
from mimo_keras.training.likelihoods.labels import OfLabels
from mimo_keras.training.likelihoods.means import OfNumbers


def evaluate_model(
    model,
    images,
    labels=None,
    *,
    batch_size=128,
    num_bins=calibration.BINS,
    verbose="auto",
):
    """Returns the measures of a model on labelled examples.

    They are computed in float64 from the members' outputs; those of a
    calibrated predictor from its probabilities.

    Args:
        model: `EnsembleModel`, whose predictor is evaluated, or `Predictor`.
        images: (n, …, C); or batches of (images, labels): a tf.data.Dataset,
            PyDataset or any iterable.
        labels: Class indices (n,), one-hot labels (n, K), or targets.
        batch_size: Images of a batch, where `images` is an array.
        num_bins: Number of bins of the calibration errors.
        verbose: 1 for a progress bar, 0 for none, "auto" for one in a terminal
            or a notebook.

    Returns:
        A flat dictionary of floats: what `Classification.result` and
        `further.Further.result` name, such as "accuracy", "nll", "ece",
        "brier", "disagreement" and "aurc"; in regression, what
        `Regression.result` or `GaussianRegression.result` names. With
        prediction sets also "coverage" and "set_size" (in regression
        "coverage" and "width", means over the targets), with a threshold
        "answered" and the "risk" of these answers.

    Raises:
        InputError: The data do not fit the model.

    Example:

    ```python
    found = mimo_keras.evaluate(model.predictor(), test_images, test_labels)
    found["nll"], found["ece"]
    ```
    """
    model = predictor_of(model, "Use model.evaluate for a plain Keras model.")
    outputs, targets, answers = model.answered(
        images, labels, batch_size, verbose
    )
    return _measured(
        model.likelihood, model, outputs, targets, answers, num_bins
    )


@functools.singledispatch
def _measured(likelihood, model, outputs, targets, answers, num_bins):
    """Returns the measures that fit a likelihood."""
    raise _unknown(likelihood)


def _unknown(likelihood):
    return expected(
        "a likelihood that evaluate knows",
        f"likelihood={likelihood}",
        "Compute measures of your own from the predictor's outputs.",
    )


@_measured.register(OfNumbers)
def _(likelihood, model, outputs, targets, answers, num_bins):
    metrics = of_numbers(likelihood, model.log_weights, outputs, targets)
    return metrics.result() | of_stages(answers, targets)


@functools.singledispatch
def of_numbers(likelihood, log_weights, outputs, targets):
    """Returns the metrics of a regression, with all examples in them.

    Args:
        likelihood: `likelihoods.OfNumbers`.
        log_weights: E log mixture weights.
        outputs: The members', (n, E, outputs).
        targets: (n, d), or (n,).

    Returns:
        `Regression`, `GaussianRegression` or `QuantileRegression`.
    """
    raise _unknown(likelihood)


@of_numbers.register
def _(likelihood: Mean, log_weights, outputs, targets):
    metrics = Regression(log_weights)
    metrics.update(outputs, targets)
    return metrics


@of_numbers.register
def _(likelihood: Gaussian, log_weights, outputs, targets):
    metrics = GaussianRegression(log_weights)
    metrics.update(*likelihood.members(outputs), targets)
    return metrics


@of_numbers.register
def _(likelihood: Quantiles, log_weights, outputs, targets):
    metrics = QuantileRegression(log_weights, likelihood.levels)
    metrics.update(likelihood.members(outputs), targets)
    return metrics


@_measured.register
def _(likelihood: OfLabels, model, logits, labels, answers, num_bins):
    """Each label of each example is a choice between two classes."""
    labels = labels.reshape(len(logits), -1)
    logits = np.moveaxis(logits, 1, 2).reshape(-1, logits.shape[1], 1)
    logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    pairs = held_out.checked(logits, labels.reshape(-1), few=False)
    metrics = Classification(2, model.log_weights, num_bins)
    metrics.update(*pairs)
    right = (answers["probabilities"] > 0.5) == labels
    every = {"exact_match": float(right.all(axis=1).mean())}
    return metrics.result() | (every if labels.shape[1] > 1 else {})


@_measured.register
def _(likelihood: Categorical, model, logits, labels, answers, num_bins):
    metrics, further, labels = of_classes(
        model, logits, labels, answers, num_bins
    )
    found = metrics.result() | further.result()
    return found | of_stages(answers, labels)


def of_classes(model, logits, labels, answers, num_bins=calibration.BINS):
    """Returns the measures of a classifier's answers, calibrated or not.

    Args:
        model: `Predictor`.
        logits: As `Predictor.answered` returns them, like the next two.
        labels: (n,), (n, 1) or one-hot.
        answers: Dictionary of outputs.
        num_bins: Number of bins of the calibration errors.

    Returns:
        `Classification`, `Further`, and the labels as class indices.
    """
    logits, labels = held_out.checked(logits, labels, few=False)
    classes = logits.shape[-1]
    metrics = Classification(classes, model.log_weights, num_bins)
    members = precise.log_softmax(logits)
    mixture = precise.log_mixture(members, model.log_weights)
    if any(stage.calibrates for stage in model.stages):
        # Isotonic curves reach 0, whose logarithm is not a number to add.
        mixture = np.log(np.maximum(answers["probabilities"], 1e-37))
    metrics.update(logits, labels, mixture)
    further = Further(classes, num_bins)
    further.update(np.exp(mixture), labels)
    return metrics, further, labels


def of_stages(answers, targets):
    """Returns measures of what stages have added to the answers.

    Args:
        answers: Dictionary of outputs, as `Predictor.answered` returns it.
        targets: Class indices (n,), or targets (n, …).
    """
    found = {}
    if "prediction_set" in answers:
        rows = np.arange(len(targets))
        inside = answers["prediction_set"][rows, targets]
        found["coverage"] = float(inside.mean())
        found["set_size"] = float(answers["set_size"].mean())
    if "lower" in answers:
        lower, upper = (
            answers[name].astype(np.float64) for name in ("lower", "upper")
        )
        targets = targets.reshape(lower.shape)
        inside = (lower <= targets) & (targets <= upper)
        found["coverage"] = float(inside.mean())
        found["width"] = float((upper - lower).mean())
    if "abstain" in answers:
        answered = ~answers["abstain"]
        wrong = answers["probabilities"].argmax(axis=1) != targets
        found["answered"] = float(answered.mean())
        if answered.any():
            found["risk"] = float(wrong[answered].mean())
    return found
