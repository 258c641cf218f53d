"""Looks up numbers in a run's results."""

import math

import numpy as np


def number(metrics, name):
    """Returns `metrics[name]` as a float, NaN if it is not a number."""
    value = metrics.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else math.nan


def member_values(results, metric):
    """Returns one metric of every member on the test set.

    Args:
        results: `evaluation.Results`.
        metric: "accuracy", "nll", ….

    Returns:
        An array (E,) in the members' order, empty if there are none; NaN for a
        member whose value is missing.
    """
    members = [m for m, values in results.members.items() if metric in values]
    size = max(members, default=-1) + 1
    return np.array(
        [number(results.members.get(m, {}), metric) for m in range(size)]
    )


def severity_curves(results, metric):
    """Returns a metric by severity of corruption.

    Severity 0 is the clean test set. If the results lack the mean of a
    severity, the mean over the corruption types is used.

    Args:
        results: `evaluation.Results`.
        metric: "accuracy", "nll", ….

    Returns:
        The severities (S,), the means (S,), and a dict from corruption type to
        its values (S,). NaN marks missing values.
    """
    means = _having(metric, results.corrupted.by_severity)
    sets = _having(metric, results.corrupted.sets)
    clean = number(results.test, metric)
    severities = sorted({0, *means, *(severity for _, severity in sets)})
    types = {
        name: np.array(
            [clean, *(sets.get((name, s), math.nan) for s in severities[1:])]
        )
        for name in sorted({name for name, _ in sets})
    }
    average = _mean_over_types(types, len(severities))
    mean = [clean]
    for index, severity in enumerate(severities[1:], start=1):
        mean.append(means.get(severity, average[index]))
    return np.array(severities), np.array(mean), types


def _having(metric, table):
    """Returns the metric's value in each row of a table that has it."""
    return {
        key: number(metrics, metric)
        for key, metrics in table.items()
        if metric in metrics
    }


def _mean_over_types(types, size):
    """Averages the available values; NaN if no type has one."""
    from mimo_keras.evaluation.type_means import averaged

    values = [types[name] for name in averaged(types)]
    table = np.array(values).reshape(-1, size)
    present = np.isfinite(table)
    total = np.where(present, table, 0.0).sum(0)
    with np.errstate(invalid="ignore"):
        return total / present.sum(0)


def ood_scores(results, arrays):
    """Returns the scores of every out-of-distribution set.

    Args:
        results: `evaluation.Results`, which name the sets.
        arrays: A mapping with "ood_<name>_in" and "ood_<name>_out".

    Returns:
        A dict from name to the two arrays of scores, of the test set and of the
        other; sets with only one of the two are omitted.
    """
    keys = {n: (f"ood_{n}_in", f"ood_{n}_out") for n in sorted(results.ood)}
    return {
        name: tuple(arrays[key] for key in pair)
        for name, pair in keys.items()
        if all(key in arrays for key in pair)
    }


def ood_areas(results, names):
    """Returns the area under the ROC curve of sets that have one, by name."""
    areas = {n: number(results.ood.get(n, {}), "auroc") for n in names}
    return {name: area for name, area in areas.items() if area == area}
