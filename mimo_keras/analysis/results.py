"""Looks up numbers by their keys in a run's results."""

import math
import re

import numpy as np

_MEMBER = re.compile(r"test/(.+)_member_(\d+)")
_CONDITION = re.compile(r"corrupted/(.+)_(\d+)/([^/]+)")
_OOD = re.compile(r"ood/(.+)/[^/]+")


def number(results, key):
    """Returns `results[key]` as a float, NaN if it is not a number."""
    value = results.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else math.nan


def member_values(results, metric):
    """Returns one metric of every member on the test set.

    Args:
        results: The flat results of a run.
        metric: "accuracy", "nll", ….

    Returns:
        An array (E,) in the members' order, empty if there are none; NaN for a
        member whose value is missing.
    """
    by_member = {
        int(match[2]): number(results, key)
        for key in results
        if (match := _MEMBER.fullmatch(key)) and match[1] == metric
    }
    size = max(by_member, default=-1) + 1
    return np.array([by_member.get(member, math.nan) for member in range(size)])


def severity_curves(results, metric):
    """Returns a metric by severity of corruption.

    Severity 0 is the clean test set. If the results lack the mean of a
    severity, the mean over the corruption types is used.

    Args:
        results: The flat results of a run.
        metric: "accuracy", "nll", ….

    Returns:
        The severities (S,), the means (S,), and a dict from corruption type to
        its values (S,). NaN marks missing values.
    """
    by_type = {}
    for key in results:
        match = _CONDITION.fullmatch(key)
        if match and match[3] == metric:
            by_severity = by_type.setdefault(match[1], {})
            by_severity[int(match[2])] = number(results, key)
    clean = number(results, f"test/{metric}")
    severities = sorted({0}.union(*by_type.values()))
    means = by_type.pop("severity", {})
    types = {
        name: np.array(
            [clean, *(values.get(s, math.nan) for s in severities[1:])]
        )
        for name, values in sorted(by_type.items())
    }
    average = _mean_over_types(types, len(severities))
    mean = [clean]
    for index, severity in enumerate(severities[1:], start=1):
        mean.append(means.get(severity, average[index]))
    return np.array(severities), np.array(mean), types


def _mean_over_types(types, size):
    """Averages the available values; NaN if no type has one."""
    table = np.array(list(types.values())).reshape(-1, size)
    present = np.isfinite(table)
    total = np.where(present, table, 0.0).sum(0)
    with np.errstate(invalid="ignore"):
        return total / present.sum(0)


def ood_names(results):
    """Returns the names of the out-of-distribution sets, sorted."""
    matches = (_OOD.fullmatch(key) for key in results)
    return sorted({match[1] for match in matches if match})


def ood_scores(arrays):
    """Returns the scores of every out-of-distribution set.

    Args:
        arrays: A mapping with "ood_<name>_in" and "ood_<name>_out".

    Returns:
        A dict from name to the two arrays of scores, of the test set and of the
        other; sets with only one of the two are omitted.
    """
    pairs = {}
    for key in sorted(arrays):
        match = re.fullmatch(r"ood_(.+)_in", key)
        if match and f"ood_{match[1]}_out" in arrays:
            name = match[1]
            pairs[name] = (arrays[key], arrays[f"ood_{name}_out"])
    return pairs
