"""Fits detectors of features to the examples that are known."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.prediction import (
    detecting,
    feature_detectors,
    feature_scores,
)
from mimo_keras.prediction.prediction_checks import checked_array

SCORES = detecting.OF_FEATURES


class Examples(NamedTuple):
    """Known examples, as a network sees them.

    Attributes:
        features: What the heads read, (n, G, F), float64.
        logits: (n, E, K), float64.
        labels: (n,).
        log_weights: The E log mixture weights.
        head: Function from features (N, G, F) to logits (N, E, K); None if
            there is none.
    """

    features: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    log_weights: list
    head: Callable | None


@dataclasses.dataclass(frozen=True)
class Options:
    """How features are compared; see `Predictor.detector`."""

    neighbors: int = 50
    bank: int = 5000
    dimensions: int | None = None

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            if name != "dimensions" or value is not None:
                arguments.whole(name, value)


def fit(score, examples, options, known, about):
    """Returns the fitted `FeatureDetector`.

    Args:
        score: One of `SCORES`.
        examples: `Examples`.
        options: `Options`.
        known: Share of the examples that are not to be foreign.
        about: See `Stage.fitted_on`.

    Raises:
        InputError: The examples are too few, or their features too alike.
    """
    features = checked_array(
        "features", examples.features, "(n, G, F)", (None, None, None)
    )
    examples = examples._replace(features=features)
    parts, scores = _FITS[score](examples, options)
    scores = feature_scores.mixed(np.stack(scores, 1), examples.log_weights)
    limit = float(np.quantile(scores, known, method="inverted_cdf"))
    kind, names, settings = _STAGES[score]
    values = {name: [getattr(part, name) for part in parts] for name in names}
    about = {**about, "score": score, "known": known}
    return kind.of(
        {name: _stacked(some) for name, some in values.items()},
        examples.log_weights,
        limit,
        fitted_on=about,
        **{name: getattr(options, name) for name in settings},
    )


def _mahalanobis(examples, options):
    del options
    classes = examples.logits.shape[-1]
    counts = np.bincount(examples.labels, minlength=classes)
    if counts.min() < 2:
        raise expected(
            "at least two examples of each class",
            f"{counts.min()} of class {counts.argmin()}",
            "Pass more examples, or use score='knn', which needs no classes.",
        )

    def fitted(features, logits, labels):
        return feature_scores.Mahalanobis(features, labels)

    return _by_group(examples, lambda group: fitted)


def _neighbors(examples, options):
    most = len(examples.labels) * 4 // 5
    if not 1 <= options.neighbors <= min(options.bank, most):
        raise expected(
            f"neighbors from 1 to {min(options.bank, most)}, four fifths of "
            "the examples, or bank",
            f"neighbors={options.neighbors}",
            "Ask for a nearer one, or pass more examples.",
        )

    def fitted(features, logits, labels):
        kept = np.random.default_rng(0).permutation(len(features))
        features = features[np.sort(kept[: options.bank])]
        return feature_scores.Neighbors(features, options.neighbors)

    return _by_group(examples, lambda group: fitted)


def _by_group(examples, fits):
    """Returns what is fitted to each group, and the scores of unseen ones."""
    first = examples.logits[:, 0]
    parts, scores = [], []
    for group in range(examples.features.shape[1]):
        values = (examples.features[:, group], first, examples.labels)
        parts.append(fits(group)(*values))
        scores.append(feature_scores.unseen(fits(group), *values))
    return parts, scores


def _virtual_logit(examples, options):
    members = examples.logits.shape[1]
    groups, width = examples.features.shape[1:]
    if options.dimensions is not None and options.dimensions >= width:
        raise expected(
            f"dimensions from 1 to {width - 1}, as features have {width}",
            f"dimensions={options.dimensions}",
            "Leave it out for the authors' choice.",
        )
    weights, biases = _affine(examples)
    parts, scores = [], []
    for member in range(members):
        features = examples.features[:, member * groups // members]
        dimensions = options.dimensions
        if dimensions is None:
            used = feature_scores.rank(features)
            dimensions = feature_scores.principal_dimensions(used)
        fitted = functools.partial(
            _virtual, weights[:, member], biases[member], dimensions
        )
        values = features, examples.logits[:, member], examples.labels
        parts.append(fitted(*values))
        scores.append(feature_scores.unseen(fitted, *values))
    return parts, scores


def _virtual(weight, bias, dimensions, features, logits, labels):
    return feature_scores.VirtualLogit(
        features, logits, weight, bias, dimensions
    )


def _affine(examples):
    """Returns W (F, E, K) and b (E, K) of the heads.

    They are found by calling the heads. Those that draw their weights, or have
    them composed by the network, have none to call: theirs are the ones that
    are nearest to their logits, by least squares.
    """
    groups, width = examples.features.shape[1:]
    if examples.head is not None:
        probes = np.concatenate((np.zeros((1, width)), np.eye(width)))
        probes = np.repeat(probes[:, np.newaxis], groups, axis=1)
        one, other = (
            keras.ops.convert_to_numpy(examples.head(probes.astype("float32")))
            for _ in range(2)
        )
        if np.array_equal(one, other):
            found = one.astype(np.float64)
            return found[1:] - found[0], found[0]
    members = examples.logits.shape[1]
    found = [
        feature_scores.affine(
            examples.features[:, member * groups // members],
            examples.logits[:, member],
        )
        for member in range(members)
    ]
    weights, biases = zip(*found, strict=True)
    return np.stack(weights, axis=1), np.stack(biases)


def _stacked(values):
    """Returns arrays on a new first axis, padded by zeros to one size."""
    values = [np.asarray(value) for value in values]
    if not values[0].ndim:
        return np.stack(values)
    size = max(value.shape[-1] for value in values)
    before = [(0, 0)] * (values[0].ndim - 1)
    return np.stack(
        [np.pad(x, [*before, (0, size - x.shape[-1])]) for x in values]
    )


_FITS = {
    "mahalanobis": _mahalanobis,
    "knn": _neighbors,
    "vim": _virtual_logit,
}
_STAGES = {
    "mahalanobis": (
        feature_detectors.MahalanobisDetector,
        ("center", "whiten", "means"),
        (),
    ),
    "knn": (feature_detectors.NeighborDetector, ("bank",), ("neighbors",)),
    "vim": (
        feature_detectors.VirtualLogitDetector,
        ("origin", "residual", "factor"),
        (),
    ),
}
