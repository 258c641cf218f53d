"""Fits sets of classes, and intervals, that cover the truth."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mimo_keras.errors import closest, expected, warn
from mimo_keras.layers import arguments
from mimo_keras.prediction import conformal, quantile_stages, sets


class Examples(NamedTuple):
    """Held-out examples, as an ensemble predicts them.

    Attributes:
        outputs: The members' outputs, (n, E, K), float64.
        targets: (n,) classes, or (n, d).
        log_weights: The E log mixture weights.
        probabilities: Function that returns the ensemble's (n, K).
        about: See `held_out.described`.
    """

    outputs: np.ndarray
    targets: np.ndarray
    log_weights: list
    probabilities: Callable
    about: dict


@dataclasses.dataclass(frozen=True)
class Options:
    """What sets are asked for; see `Predictor.prediction_sets`."""

    coverage: float = 0.9
    score: str | None = None
    by_class: bool = False
    randomized: bool = False
    penalty: float = 0.01
    free: int = 5
    seed: int = 0

    def __post_init__(self):
        for name in ("by_class", "randomized"):
            arguments.flag(name, getattr(self, name))
        arguments.number("penalty", self.penalty, 0)
        arguments.whole("free", self.free, 0)
        arguments.whole("seed", self.seed, 0)


def class_sets(examples, options):
    """Returns the fitted `sets.PredictionSets`.

    Args:
        examples: `Examples` of classes.
        options: `Options`.

    Raises:
        InputError: The options are invalid, or the examples too few.
    """
    if options.score is None and options.randomized:
        options = dataclasses.replace(options, score="aps")
    score = _checked(options, conformal.SCORES, examples)
    probabilities, labels = examples.probabilities(), examples.targets
    draws = 1.0
    if options.randomized:
        draw = np.random.default_rng(options.seed)
        draws = draw.random((len(labels), 1))
    scores = conformal.class_scores(
        probabilities, score, draws, options.penalty, options.free
    )
    classes = probabilities.shape[1] if options.by_class else None
    _warn_of_large(score, scores, probabilities, labels, options.coverage)
    return sets.PredictionSets(
        _quantiles(_own(scores, labels), labels, classes, options.coverage),
        score,
        penalty=options.penalty,
        free=options.free,
        randomized=options.randomized,
        seed=options.seed,
        fitted_on={**examples.about, "coverage": options.coverage},
    )


def _warn_of_large(score, scores, probabilities, labels, coverage):
    """Warns of sets that hold most classes where "lac" needs few.

    Sums of probabilities say little if the first of them is nearly 1.
    """
    if score == "lac":
        return

    def size_by(values):
        most = conformal.quantile(_own(values, labels), coverage)
        return (values <= most + sets.ROUNDING).sum(axis=1).mean()

    size, least = size_by(scores), size_by(1 - probabilities)
    classes = scores.shape[1]
    if size > classes / 2 and least < size / 2:
        warn(
            f"Sets by score={score!r} hold {size:.1f} of {classes} classes on "
            f"average; by score='lac', {least:.1f}."
        )


def _own(scores, labels):
    return np.take_along_axis(scores, labels[:, np.newaxis], 1)[:, 0]


def intervals(examples, options, mean, deviation):
    """Returns the fitted `sets.Intervals`.

    Args:
        examples: `Examples` of numbers.
        options: `Options`.
        mean: The ensemble's mean, (n, d).
        deviation: Its standard deviation, (n, d).

    Raises:
        InputError: As for `class_sets`.
    """
    score = _checked(options, ("residual", "normalized"), examples)
    residuals = np.abs(examples.targets.reshape(mean.shape) - mean)
    floor = None
    if score == "normalized":
        # A hundredth of the typical one: intervals never vanish.
        floor = float(max(np.median(deviation) / 100, 1e-12))
        residuals = residuals / np.maximum(deviation, floor)
    return sets.Intervals(
        [conformal.quantile(each, options.coverage) for each in residuals.T],
        floor,
        fitted_on={**examples.about, "coverage": options.coverage},
    )


def quantile_intervals(examples, options, quantiles):
    """Returns the fitted `quantile_stages.QuantileIntervals`.

    Args:
        examples: `Examples` of numbers.
        options: `Options`; its score may be "quantiles".
        quantiles: The ensemble's, (n, Q, d), in ascending order.

    Raises:
        InputError: As for `class_sets`.
    """
    _checked(options, ("quantiles",), examples)
    lower, upper = quantiles[:, 0], quantiles[:, -1]
    targets = examples.targets.reshape(lower.shape)
    outside = np.maximum(lower - targets, targets - upper)
    return quantile_stages.QuantileIntervals(
        [conformal.quantile(each, options.coverage) for each in outside.T],
        fitted_on={**examples.about, "coverage": options.coverage},
    )


def _checked(options, scores, examples):
    """Returns the name of the score, after checking the options."""
    score = scores[0] if options.score is None else options.score
    if not isinstance(score, str) or score not in scores:
        raise expected(
            "a score among " + ", ".join(scores),
            f"score={score!r}",
            closest(score, scores),
        )
    conformal.check_coverage(options.coverage, len(examples.targets))
    return score


def _quantiles(scores, labels, classes, coverage):
    """Returns the quantile of all scores, or of those of each class."""
    if classes is None:
        return [conformal.quantile(scores, coverage)]
    found = [
        conformal.quantile(scores[labels == k], coverage)
        for k in range(classes)
    ]
    always = [k for k, value in enumerate(found) if np.isinf(value)]
    if always:
        warn(
            f"Too few examples of the classes {always[:5]} for "
            f"coverage={coverage}: they are in every set."
        )
    return found
