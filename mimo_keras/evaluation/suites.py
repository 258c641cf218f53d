"""Suites: a network on test, corrupted, shifted and OOD sets."""

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.evaluation import ood
from mimo_keras.evaluation.classification import METRICS, Classification


def evaluate(logits_fn, batches, num_classes, log_weights):
    """Evaluates a network on every example of a set.

    Args:
        logits_fn: Maps images (b, ...) to member logits (b, E, K); see
            `padded` for a compiled one.
        batches: Yields pairs of images (b, ...) and labels (b,), of any b.
        num_classes: K.
        log_weights: The log mixture weights, (E,).

    Returns:
        The `Classification`; its `result()` returns the metrics.

    Raises:
        InputError: As for `Classification.update`.
    """
    metrics = Classification(num_classes, log_weights)
    for images, labels in batches:
        metrics.update(logits_fn(images), labels)
    return metrics


def ood_scores(logits_fn, batches, log_weights):
    """Scores every example of a set; see `ood.scores`.

    Args:
        logits_fn: Maps images (b, ...) to member logits (b, E, K).
        batches: Yields pairs of images and labels; labels are ignored.
        log_weights: The log mixture weights, (E,).

    Returns:
        A dictionary of arrays (n,), one value per example.

    Raises:
        InputError: As for `ood.scores`, or if there is no batch.
    """
    parts = [
        ood.scores(logits_fn(images), log_weights) for images, _ in batches
    ]
    if not parts:
        raise expected("at least one batch", "batches=0", "Check the data set.")
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }


def ood_results(scores_in, scores_out):
    """Returns OOD detection results as a flat dictionary.

    Args:
        scores_in: The in-distribution test set's scores, a dictionary of
            arrays (n,) as `ood_scores` returns it.
        scores_out: Such a dictionary for each OOD set, by name.

    Returns:
        "ood/<name>/auroc", ".../aupr" and ".../fpr95" for the maximum
        probability, and the same with "_entropy" and "_mutual_information"
        appended for the other scores.
    """
    return {
        f"ood/{name}/{metric}{_suffix(score)}": value
        for name, foreign in scores_out.items()
        for score in scores_in
        for metric, value in ood.detection(
            scores_in[score], foreign[score]
        ).items()
    }


def corrupted_means(results):
    """Returns means over a corrupted suite as a flat dictionary.

    Args:
        results: As for `corrupted_results`.

    Returns:
        "corrupted/<metric>", the mean over all types and severities.

    Raises:
        InputError: As for `corrupted_results`.
    """
    rows = _corrupted_rows(results)
    return _named("corrupted", _mean(list(rows.values())))


def corrupted_results(results):
    """Returns results on a corrupted suite as a flat dictionary.

    Args:
        results: Triples of a corruption's type, its severity and the results of
            `Classification` on that set. All sets have equal weight.

    Returns:
        "corrupted/<metric>", the mean over all types and severities;
        "corrupted/severity_<s>/<metric>", the mean over the types; and
        "corrupted/<type>_<s>/<metric>" for accuracy, nll, ece, brier and
        brier_per_class.

    Raises:
        InputError: If there are no results, or duplicates.
    """
    flat = corrupted_means(results)
    rows = _corrupted_rows(results)
    for level in sorted({severity for _, severity in rows}):
        same = [row for (_, severity), row in rows.items() if severity == level]
        flat |= _named(f"corrupted/severity_{level}", _mean(same))
    for (kind, severity), row in rows.items():
        flat |= _named(f"corrupted/{kind}_{severity}", row)
    return flat


def _corrupted_rows(results):
    """Returns (type, severity) -> the metrics of `METRICS`."""
    rows = {}
    for kind, severity, result in results:
        if (kind, severity) in rows:
            raise expected(
                "each corruption once",
                f"corruption={kind}_{severity} twice",
                "Pass each type and severity once.",
            )
        rows[kind, severity] = [result[name] for name in METRICS]
    if not rows:
        raise expected(
            "at least one corrupted set", "results=[]", "Check the suite."
        )
    return rows


def shifted_results(results):
    """Returns results on a shifted suite as a flat dictionary.

    Args:
        results: Triples of a transformation's type, its level and the results
            of `Classification` on that set.

    Returns:
        "shifted/<metric>" and "shifted/<metric>_std", the mean and standard
        deviation over all sets; "shifted/<type>_<level>/<metric>".

    Raises:
        InputError: If there are no results.

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.
    """
    rows = {
        f"shifted/{kind}_{level}": [result[m] for m in METRICS]
        for kind, level, result in results
    }
    if not rows:
        raise expected(
            "at least one shifted set", "results=[]", "Check the suite."
        )
    spread = np.std(list(rows.values()), axis=0)
    flat = _named("shifted", _mean(list(rows.values())))
    flat |= {
        f"{n}_std": s for n, s in zip(flat, map(float, spread), strict=True)
    }
    for prefix, row in rows.items():
        flat |= _named(prefix, row)
    return flat


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
    """Returns the mean of each metric over rows of metrics."""
    return np.mean(rows, axis=0)


def _named(prefix, row):
    """Returns one row of metrics under prefixed names."""
    names = (f"{prefix}/{name}" for name in METRICS)
    return dict(zip(names, map(float, row), strict=True))
