"""Test sets with their own classes, each a group of ImageNet classes.

There are two ways to score a predictor of K classes on such a set. Among the
set's *own classes*, each is as probable as the most probable class of its
group, and no other class is possible. Among *all classes*, ungrouped classes
also remain possible: the prediction is correct if the most probable of all K
classes is in the label's group.

Reference:
    Own classes: Hendrycks et al., Natural adversarial examples, CVPR 2021
    (groups of one); Shankar et al., Do image classifiers generalize across
    time?, ICCV 2021 (the maximum).
"""

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.evaluation.calibration import BINS
from mimo_keras.evaluation.classification import METRICS, Classification
from mimo_keras.prediction import precise
from mimo_keras.prediction.prediction_checks import (
    checked_array,
    checked_average,
    checked_labels,
    checked_log_weights,
)


def own_classes(log_probabilities, groups):
    """Returns log probabilities of the set's G classes.

    Args:
        log_probabilities: Of the K classes, (..., K).
        groups: For each of the G classes a tuple of classes from 0..K-1; no
            class is in two groups. A class with an empty group has probability
            0.

    Returns:
        (..., G), normalized.

    Raises:
        InputError: The groups are invalid.
    """
    log_probabilities = np.asarray(log_probabilities, np.float64)
    members = _members(groups, log_probabilities.shape[-1])
    return precise.log_softmax(_maxima(log_probabilities, groups, members))


def all_classes(log_probabilities, groups):
    """Returns log probabilities of the set's classes and all others.

    Args:
        log_probabilities: Of the K classes, (..., K).
        groups: As for `own_classes`.

    Returns:
        (..., U + G), normalized: the U ungrouped classes in order, then the
        set's classes. An ungrouped class therefore wins a tie, which can occur
        with bfloat16 logits, and ties never flatter the result.

    Raises:
        InputError: As for `own_classes`.
    """
    log_probabilities = np.asarray(log_probabilities, np.float64)
    count = log_probabilities.shape[-1]
    members = _members(groups, count)
    others = np.setdiff1d(np.arange(count), members)
    maxima = _maxima(log_probabilities, groups, members)
    return precise.log_softmax(
        np.concatenate((log_probabilities[..., others], maxima), axis=-1)
    )


WAYS = {"own_classes": own_classes, "all_classes": all_classes}
"""Name in results -> way of scoring."""


def evaluate(
    logits_fn,
    batches,
    num_classes,
    log_weights,
    groups,
    num_bins=BINS,
    average="probabilities",
):
    """Scores a network on a set with its own classes, in both ways.

    Args:
        logits_fn: Maps images (b, ...) to member logits (b, E, K).
        batches: Yields pairs of images (b, ...) and labels (b,) in 0..G-1.
        num_classes: K.
        log_weights: The log mixture weights, (E,).
        groups: As for `own_classes`, none of them empty.
        num_bins: The number of bins of the calibration error.
        average: As of `Classification`.

    Returns:
        A dictionary from the names of `WAYS` to `Classification`s, which treat
        the ensemble as one member.

    Raises:
        InputError: As for `Classification.update`, or a group is empty or
            wrong.
    """
    empty = [label for label, group in enumerate(groups) if not group]
    if empty:
        raise expected(
            "groups with at least one class",
            f"groups[{empty[0]}]=()",
            "Remove the classes that the network cannot predict.",
        )
    others = num_classes - len(_members(groups, num_classes))
    first = {"own_classes": 0, "all_classes": others}
    evaluations = {
        way: Classification(offset + len(groups), [0.0], num_bins)
        for way, offset in first.items()
    }
    for images, labels in batches:
        logits = logits_fn(images)
        mixture = _mixture(logits, num_classes, log_weights, average)
        labels = checked_labels(labels, len(mixture), len(groups))
        for way, merged in WAYS.items():
            logits = merged(mixture, groups)[:, np.newaxis]
            evaluations[way].update(logits, labels + first[way])
    return evaluations


def results(evaluations):
    """Returns the results of `evaluate`.

    Args:
        evaluations: What `evaluate` returned.

    Returns:
        A dictionary for each way, by its name, of accuracy, nll, ece, brier
        and brier_per_class.

    Raises:
        InputError: There were no examples.
    """
    by_way = {way: metrics.result() for way, metrics in evaluations.items()}
    return {
        way: {metric: result[metric] for metric in METRICS}
        for way, result in by_way.items()
    }


def predicted(
    logits_fn,
    batches,
    num_classes,
    log_weights,
    groups,
    average="probabilities",
):
    """Predicts each example's class among the set's own classes.

    Args:
        logits_fn: Maps images (b, ...) to member logits (b, E, K).
        batches: Yields pairs of images and labels; labels are ignored.
        num_classes: K.
        log_weights: The log mixture weights, (E,).
        groups: As for `own_classes`.
        average: As of `Classification`.

    Returns:
        The most probable of the set's own classes, (n,) integers.

    Raises:
        InputError: As for `Classification.update`, or there is no batch.
    """
    parts = [
        own_classes(
            _mixture(logits_fn(images), num_classes, log_weights, average),
            groups,
        ).argmax(axis=-1)
        for images, _ in batches
    ]
    if not parts:
        raise expected("at least one batch", "batches=0", "Check the data set.")
    return np.concatenate(parts)


def renumbered(batches, groups, name):
    """Maps labels among all K classes to labels among the set's own.

    Args:
        batches: Yields pairs of images and labels (b,) in 0..K-1.
        groups: As for `own_classes`.
        name: Name of the set, for errors.

    Yields:
        The same images, and labels (b,) in 0..G-1.

    Raises:
        InputError: A label is in no group; the error names the record.
    """
    own = {k: label for label, group in enumerate(groups) for k in group}
    record = 0
    for images, labels in batches:
        for offset, label in enumerate(np.asarray(labels).tolist()):
            if label not in own:
                raise expected(
                    f"labels of the {len(groups)} classes of {name}",
                    f"label={label} of record {record + offset}",
                    "Check the data set.",
                )
        record += len(labels)
        yield images, np.array([own[k] for k in np.asarray(labels).tolist()])


def _mixture(logits, num_classes, log_weights, average):
    """Returns the ensemble's log probabilities, (b, K)."""
    log_weights = checked_log_weights(log_weights)
    logits = checked_array(
        "logits", logits, "(b, E, K)", (None, len(log_weights), num_classes)
    )
    average = checked_average(average)
    return precise.log_mixture(
        precise.log_softmax(logits), log_weights, average
    )


def _maxima(values, groups, members):
    """Returns the maximum over each group, (..., G) of (..., K)."""
    sizes = np.array([len(group) for group in groups])
    filled = np.flatnonzero(sizes)
    # reduceat does not support empty slices: it would return a neighbor.
    starts = np.cumsum(sizes)[filled] - sizes[filled]
    maxima = np.full((*values.shape[:-1], len(groups)), -np.inf)
    maxima[..., filled] = np.maximum.reduceat(
        values[..., members], starts, axis=-1
    )
    return maxima


def _members(groups, count):
    """Returns the classes of all groups, concatenated."""
    members = np.array([k for group in groups for k in group], np.int64)
    if not members.size:
        raise expected(
            "a class in at least one group",
            f"groups={groups}",
            "Pass a tuple of classes for each class of the set.",
        )
    classes, times = np.unique(members, return_counts=True)
    if classes[0] < 0 or classes[-1] >= count or times.max() > 1:
        wrong = [k for k in classes if not 0 <= k < count]
        wrong += list(classes[times > 1])
        raise expected(
            f"groups of classes from 0 to {count - 1}, each in one group",
            f"class {wrong[0]}",
            "Check the groups.",
        )
    return members
