"""Fits calibrators to held-out predictions, by their log-likelihood."""

import numpy as np

from mimo_keras.errors import closest, expected
from mimo_keras.prediction import calibrators, precise

_LARGEST = 1e3
"""Largest 1 / T, or scale: what asks for more has no minimum."""
_FLAT = 1e-6
"""Largest gradient of the mean NLL at what counts as its minimum, and the
least NLL that counts as one."""


def fit(method, logits, labels, log_weights, fitted_on):
    """Returns the calibrator of a method, fitted to predictions.

    Args:
        method: Name in `METHODS`.
        logits: The members' logits, (n, E, K), float64.
        labels: Class indices, (n,).
        log_weights: The E log mixture weights.
        fitted_on: See `stages.Stage`.

    Raises:
        InputError: The method is unknown, or no calibration is best for these
            predictions.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise expected(
            "a method of calibration among " + ", ".join(METHODS),
            f"method={method!r}",
            closest(method, METHODS),
        )
    return METHODS[method](
        logits, labels, log_weights, fitted_on={**fitted_on, "method": method}
    )


def _temperature(logits, labels, log_weights, fitted_on):
    members = precise.log_softmax(logits)
    mixed = precise.log_mixture(members, log_weights)
    return calibrators.Temperature(
        best_temperature(mixed, labels), log_weights, fitted_on=fitted_on
    )


def _member_temperatures(logits, labels, log_weights, fitted_on):
    members = precise.log_softmax(logits)
    found = [
        best_temperature(one, labels) for one in np.moveaxis(members, 1, 0)
    ]
    return calibrators.MemberTemperatures(
        found, log_weights, fitted_on=fitted_on
    )


def best_temperature(log_probabilities, labels):
    """Returns the temperature of least mean negative log-likelihood.

    The mean NLL of softmax(log p / T) is convex in 1 / T, so its derivative
    has one root, which is bracketed.

    Args:
        log_probabilities: (n, K), float64.
        labels: (n,).

    Raises:
        InputError: The NLL falls or rises for ever: all predictions are right,
            or they are no better than chance.
    """
    from scipy.optimize import brentq

    chosen = log_probabilities[np.arange(len(labels)), labels]

    def slope(inverse):
        weights = np.exp(precise.log_softmax(inverse * log_probabilities))
        mean = (weights * log_probabilities).sum(axis=1)
        return (mean - chosen).mean()

    if slope(0.0) >= 0:
        raise expected(
            "predictions that are better than chance",
            f"{len(labels)} examples whose labels they make less likely",
            "Check that labels belong to the images.",
        )
    if slope(_LARGEST) <= 0:
        raise expected(
            "examples of which some are predicted wrongly",
            f"{len(labels)} examples, all predicted correctly",
            "Pass more held-out examples; these fit any confidence.",
        )
    return 1 / brentq(slope, 0.0, _LARGEST, xtol=1e-14, rtol=1e-14)


def _vector(logits, labels, log_weights, fitted_on):
    from scipy.optimize import minimize

    mixed = precise.log_mixture(precise.log_softmax(logits), log_weights)
    count, classes = mixed.shape
    chosen = np.eye(classes)[labels]

    def loss(both):
        scores = both[:classes] * mixed + both[classes:]
        logs = precise.log_softmax(scores)
        gap = (np.exp(logs) - chosen) / count
        slopes = np.concatenate(((gap * mixed).sum(0), gap.sum(0)))
        return -(logs * chosen).sum() / count, slopes

    start = np.concatenate((np.ones(classes), np.zeros(classes)))
    found = minimize(
        *(loss, start),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": 10_000, "gtol": 1e-9, "ftol": 0.0},
    ).x
    value, slopes = loss(found)
    unbounded = value < _FLAT or abs(found).max() > _LARGEST
    if unbounded or abs(slopes).max() > _FLAT:
        raise expected(
            "examples for which one vector scaling is best",
            f"{count} examples of {classes} classes, which it would separate",
            "Pass more held-out examples, or use method='temperature'.",
        )
    shifts = found[classes:]
    return calibrators.VectorScaling(
        found[:classes],
        shifts - shifts.mean(),  # The softmax ignores a common shift.
        log_weights,
        fitted_on=fitted_on,
    )


def _isotonic(logits, labels, log_weights, fitted_on):
    from sklearn.isotonic import IsotonicRegression

    mixed = precise.log_mixture(precise.log_softmax(logits), log_weights)
    inputs, values = [], []
    for k, probabilities in enumerate(np.exp(mixed).T):
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        curve.fit(probabilities, labels == k)
        inputs.append(curve.X_thresholds_)
        values.append(curve.y_thresholds_)
    return calibrators.Isotonic(inputs, values, fitted_on=fitted_on)


METHODS = {
    "temperature": _temperature,
    "member_temperatures": _member_temperatures,
    "vector": _vector,
    "isotonic": _isotonic,
}
"""Name -> function that fits."""
