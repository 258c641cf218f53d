"""Suites: a network on test, corrupted, shifted and OOD sets."""

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.evaluation import ood, type_means
from mimo_keras.evaluation.calibration import BINS
from mimo_keras.evaluation.classification import METRICS, Classification
from mimo_keras.evaluation.results import Results, SuiteResults


def evaluate(
    logits_fn,
    batches,
    num_classes,
    log_weights,
    num_bins=BINS,
    average="probabilities",
):
    """Evaluates a network on every example of a set.

    Args:
        logits_fn: Maps images (b, ...) to member logits (b, E, K); see
            `padded` for a compiled one.
        batches: Yields pairs of images (b, ...) and labels (b,), of any b.
        num_classes: K.
        log_weights: The log mixture weights, (E,).
        num_bins: The number of bins of the calibration error.
        average: As of `Classification`.

    Returns:
        The `Classification`; its `result()` returns the metrics.

    Raises:
        InputError: As for `Classification.update`.

    Example:

    ```python
    metrics = mimo_keras.evaluation.evaluate(
        predictor.member_logits, [(images, labels)], 10, predictor.log_weights)
    metrics.result()["nll"] > 0                              # True
    ```
    """
    metrics = Classification(num_classes, log_weights, num_bins, average)
    for images, labels in batches:
        metrics.update(logits_fn(images), labels)
    return metrics


def ood_scores(logits_fn, batches, log_weights, average="probabilities"):
    """Scores every example of a set; see `ood.scores`.

    Args:
        logits_fn: Maps images (b, ...) to member logits (b, E, K).
        batches: Yields pairs of images and labels; labels are ignored.
        log_weights: The log mixture weights, (E,).
        average: As of `ood.scores`.

    Returns:
        A dictionary of arrays (n,), one value per example.

    Raises:
        InputError: As for `ood.scores`, or if there is no batch.

    Example:

    ```python
    scores = mimo_keras.evaluation.ood_scores(
        predictor.member_logits, [(images, labels)], predictor.log_weights)
    scores["entropy"].shape                                  # (64,)
    ```
    """
    parts = [
        ood.scores(logits_fn(images), log_weights, average)
        for images, _ in batches
    ]
    if not parts:
        raise expected("at least one batch", "batches=0", "Check the data set.")
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }


def clean_results(metrics):
    """Returns the results on the clean test set.

    Args:
        metrics: Its `Classification`.

    Returns:
        `Results`: the metrics of the ensemble, "aurc" included, and those of
        its members.

    Raises:
        InputError: If there were no examples.

    Example:

    ```python
    metrics = mimo_keras.evaluation.Classification(10, predictor.log_weights)
    metrics.update(predictor.member_logits(images), labels)
    results = mimo_keras.evaluation.clean_results(metrics)
    "aurc" in results.test                                   # True
    ```
    """
    members = metrics.members()
    return Results(
        test=metrics.ensemble() | {"aurc": metrics.risk_coverage().area},
        members={
            member: {name: float(v[member]) for name, v in members.items()}
            for member in range(len(metrics.log_weights))
        },
        member_means={name: float(v.mean()) for name, v in members.items()},
    )


def ood_results(scores_in, scores_out):
    """Returns the results of OOD detection.

    Args:
        scores_in: The in-distribution test set's scores, a dictionary of
            arrays (n,) as `ood_scores` returns it.
        scores_out: Such a dictionary for each OOD set, by name.

    Returns:
        For each OOD set, by name, "auroc", "aupr" and "fpr95" for the maximum
        probability, and the same with "_entropy" and "_mutual_information"
        appended for the other scores.

    Example:

    ```python
    inside, outside = {"max_probability": [0.1]}, {"max_probability": [0.9]}
    inside |= {"entropy": [0.1], "mutual_information": [0.0]}
    outside |= {"entropy": [0.9], "mutual_information": [0.5]}
    found = mimo_keras.evaluation.ood_results(inside, {"letters": outside})
    found["letters"]["auroc_entropy"]                        # 1.0
    ```
    """
    return {
        name: {
            f"{metric}{_suffix(score)}": value
            for score in scores_in
            for metric, value in ood.detection(
                scores_in[score], foreign[score]
            ).items()
        }
        for name, foreign in scores_out.items()
    }


def corrupted_means(results):
    """Returns the mean of each metric over a corrupted suite.

    Args:
        results: As for `corrupted_results`.

    Returns:
        The means over types and severities, by metric, as `means` there.

    Raises:
        InputError: As for `corrupted_results`.

    Example:

    ```python
    scores = dict.fromkeys(mimo_keras.evaluation.METRICS, 0.5)
    results = [("fog", 1, scores), ("fog", 2, scores)]
    mimo_keras.evaluation.corrupted_means(results)["nll"]    # 0.5
    ```
    """
    sets = _checked_sets("corrupted", results)
    return type_means.summary(sets)["means"]


def corrupted_results(results):
    """Returns the results on a corrupted suite.

    Args:
        results: Triples of a corruption's type, its severity and the results of
            `Classification` on that set. All sets have equal weight.

    Returns:
        `SuiteResults` with accuracy, nll, ece, brier and brier_per_class: the
        means over the sets, those over the types, and each set's own. Of a
        suite with more types than the 15 of the benchmark, such as
        CIFAR-100-C, means are over these 15, and "of_types" has others.

    Raises:
        InputError: If there are no results, or duplicates.

    Example:

    ```python
    scores = dict.fromkeys(mimo_keras.evaluation.METRICS, 0.5)
    results = [("fog", 1, scores), ("fog", 2, scores)]
    suite = mimo_keras.evaluation.corrupted_results(results)
    suite.means["nll"], suite.by_severity[2]["nll"]          # (0.5, 0.5)
    ```
    """
    sets = _checked_sets("corrupted", results)
    return SuiteResults(**type_means.summary(sets), sets=sets)


def _checked_sets(suite, results):
    """Returns (type, severity) -> the metrics of `METRICS`."""
    sets = {}
    for kind, severity, result in results:
        if (kind, severity) in sets:
            raise expected(
                f"each {suite} set once",
                f"set={kind}_{severity} twice",
                "Pass each type and severity once.",
            )
        sets[kind, severity] = {name: result[name] for name in METRICS}
    if not sets:
        raise expected(
            f"at least one {suite} set", "results=[]", "Check the suite."
        )
    return sets


def shifted_results(results):
    """Returns the results on a shifted suite.

    Args:
        results: Triples of a transformation's type, its level and the results
            of `Classification` on that set.

    Returns:
        `SuiteResults`: means and standard deviations over all sets, and each
        set's own metrics.

    Raises:
        InputError: If there are no results, or duplicates.

    Example:

    ```python
    scores = dict.fromkeys(mimo_keras.evaluation.METRICS, 0.5)
    results = [("rotation", 1, scores), ("rotation", 2, scores)]
    suite = mimo_keras.evaluation.shifted_results(results)
    suite.deviations["nll"]                                  # 0.0
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.
    """
    sets = _checked_sets("shifted", results)
    return SuiteResults(
        means=_mean(sets.values()),
        deviations=_over_sets(np.std, sets.values()),
        sets=sets,
    )


def padded(logits_fn, batch_size):
    """Wraps a compiled function so that it only sees full batches.

    A batch of any other size is split into pieces of `batch_size`, the last one
    padded with copies of its last row, whose results are dropped: one trace
    serves all sizes, and no example is lost.

    Args:
        logits_fn: Maps images (batch_size, ...) to an array whose first axis
            is the same.
        batch_size: The number of rows that `logits_fn` sees.

    Returns:
        A function from images (b, ...), b >= 1, to an array (b, ...).

    Raises:
        InputError: If `batch_size` is not positive; the function raises it
            for an empty batch.

    Example:

    ```python
    logits = mimo_keras.evaluation.padded(predictor.member_logits, 32)
    logits(images[:5]).shape                                 # (5, 2, 10)
    ```
    """
    if batch_size < 1:
        raise expected(
            "a positive batch size",
            f"batch_size={batch_size}",
            "Pass at least 1.",
        )

    def whole(images):
        images = np.asarray(images)
        if not images.ndim or not len(images):
            raise expected(
                "at least one image",
                f"images.shape={images.shape}",
                "Pass a batch of images.",
            )
        parts = []
        for start in range(0, len(images), batch_size):
            rows = np.arange(start, start + batch_size)
            full = images[np.minimum(rows, len(images) - 1)]
            parts.append(np.asarray(logits_fn(full)))
        return np.concatenate(parts)[: len(images)]

    return whole


def _suffix(score):
    """Returns what a score's name adds to a metric's name."""
    return "" if score == ood.DEFAULT_SCORE else f"_{score}"


def _mean(rows):
    """Returns the mean of each metric over sets' metrics."""
    return _over_sets(np.mean, rows)


def _over_sets(function, rows):
    """Returns a statistic of each metric over sets' metrics."""
    table = [[row[name] for name in METRICS] for row in rows]
    return dict(zip(METRICS, map(float, function(table, axis=0)), strict=True))
