"""Which types of corruption a mean is over, where a suite has more than 15."""

import numpy as np

from mimo_keras.evaluation.corruption_error import ALEXNET

BENCHMARK = frozenset(ALEXNET)
"""The 15 types of Hendrycks and Dietterich (ICLR 2019)."""

_ALL = BENCHMARK | {"gaussian_blur", "saturate", "spatter", "speckle_noise"}
OTHERS = {17: _ALL - {"motion_blur", "snow"}, 19: _ALL}
"""Other means over CIFAR-100-C: number -> types. The 17 are those that
Uncertainty-Baselines evaluates on (`load_corrupted_test_info` of its
baselines/cifar), the 19 those of the published files."""


def averaged(types):
    """Returns the types that the mean called "corrupted" is over.

    Args:
        types: The types of a suite.

    Returns:
        A list of those of the benchmark, if it has them all; else of all.

    Example:
        >>> from mimo_keras.evaluation import type_means
        >>> type_means.averaged(["contrast", "speckle_noise"])
        ['contrast', 'speckle_noise']
    """
    types = [*types]
    if not BENCHMARK.issubset(types):
        return types
    return [kind for kind in types if kind in BENCHMARK]


def summary(sets):
    """Returns the means over a suite's sets.

    Args:
        sets: (type, severity) -> metric -> value.

    Returns:
        A dictionary of the fields of `SuiteResults`: "means" and "by_severity"
        over the types of `averaged`, "of_types" over those of `OTHERS`, where
        the suite has them all.
    """
    types = list(dict.fromkeys(kind for kind, _ in sets))
    by_severity = {}
    for (kind, severity), metrics in sets.items():
        if kind in averaged(types):
            by_severity.setdefault(severity, []).append(metrics)
    of_types = {
        number: mean([m for (kind, _), m in sets.items() if kind in some])
        for number, some in OTHERS.items()
        if some.issubset(types)
    }
    return {
        "means": mean([m for k, m in sets.items() if k[0] in averaged(types)]),
        "by_severity": {s: mean(by_severity[s]) for s in sorted(by_severity)},
        "of_types": of_types,
    }


def mean(rows):
    """Returns the mean of each metric that all sets have as a number.

    Args:
        rows: For each set, metric -> value.
    """
    names = [
        name
        for name in rows[0]
        if all(isinstance(row.get(name), int | float) for row in rows)
    ]
    means = np.mean([[row[name] for name in names] for row in rows], axis=0)
    return dict(zip(names, means.tolist(), strict=True))
