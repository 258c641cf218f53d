"""The contents of each table of a run, independent of its format."""

import dataclasses
import math

import numpy as np

from mimo_keras.analysis.lookup import member_values, number, severity_curves

MISSING = "–"
# In the order of Uncertainty-Baselines' tables.
QUALITY = {
    "nll": "NLL",
    "accuracy": "Accuracy",
    "ece": "ECE",
    "brier": "Brier",
    "brier_per_class": "Brier by class",
    "aurc": "AURC",
}
_CORRUPTION_ERROR = {
    "mce": "mCE, %",
    "relative_mce": "Relative mCE, %",
}
_DIVERSITY = {"disagreement": "Disagreement", "kl": "KL divergence"}
_SHARING = {
    "heads": "Sharing rate, heads",
    "encoders": "Sharing rate, encoders",
    "heads_overlap": "Feature overlap, heads",
    "encoders_overlap": "Feature overlap, encoders",
}
_OOD = {
    "auroc": "AUROC",
    "aupr": "AUPR",
    "fpr95": "FPR95",
    "auroc_entropy": "AUROC ent.",
    "auroc_mutual_information": "AUROC MI",
}
_DETECTOR = {
    "auroc": "AUROC det.",
    "aupr": "AUPR det.",
    "fpr95": "FPR95 det.",
}
FITTED_OOD = "ood_"
"""Before the name of a set, in `Results.fitted`."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of strings; the first cell of each row names the row."""

    columns: tuple
    rows: tuple


def fixed(value, digits=4):
    """Returns a number with `digits` decimal places, or a dash."""
    return MISSING if math.isnan(value) else f"{value:.{digits}f}"


def scaled(value):
    """Returns a large count with three digits and k, M, G or T."""
    if math.isnan(value):
        return MISSING
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3f} {letter}"
    return f"{value:.0f}"


def headline(results):
    """Returns the six figures of Uncertainty-Baselines' tables, in order.

    Args:
        results: `evaluation.Results`.

    Returns:
        Pairs of a label and a formatted number: NLL, accuracy, ECE, and the
        means of the same over the corrupted test sets, which they call cNLL,
        cA, cECE; missing ones are omitted.
    """
    clean, corrupted = results.test, results.corrupted.means
    values = {
        "NLL": number(clean, "nll"),
        "Accuracy": number(clean, "accuracy"),
        "ECE": number(clean, "ece"),
        "NLL, corrupted": number(corrupted, "nll"),
        "Accuracy, corrupted": number(corrupted, "accuracy"),
        "ECE, corrupted": number(corrupted, "ece"),
    }
    return [(n, fixed(v)) for n, v in values.items() if not math.isnan(v)]


def quality(results):
    """Returns the table of metrics, each set or suite in a column.

    Metrics without a label come last, under their keys.
    """
    known = QUALITY | _CORRUPTION_ERROR | _DIVERSITY
    others = sorted(set().union(*_columns(results).values()) - set(known))
    labels = QUALITY | _CORRUPTION_ERROR | {name: name for name in others}
    return _by_set(results, labels)


def diversity(results):
    """Returns the table of how much members differ and share.

    Sharing rates depend on the weights, not on the test set.
    """
    table = _by_set(results, _DIVERSITY)
    blank = [MISSING] * (len(table.columns) - 2)
    shared = [
        (label, fixed(number(results.sharing, name)), *blank)
        for name, label in _SHARING.items()
        if name in results.sharing
    ]
    return Table(table.columns, (*table.rows, *shared))


def _columns(results):
    """Returns the metrics of the clean set and their means over suites."""
    return {
        "Test": results.test,
        "Validation": results.validation,
        "Corrupted": results.corrupted.means,
        **{
            f"{number} types": means
            for number, means in results.corrupted.of_types.items()
        },
        "Shifted": results.shifted.means,
    }


def _by_set(results, labels):
    columns = {
        title: metrics
        for title, metrics in _columns(results).items()
        if (title == "Test" and not results.validation)
        or not metrics.keys().isdisjoint(labels)
    }
    rows = [
        (label, *(fixed(number(metrics, name)) for metrics in columns.values()))
        for name, label in labels.items()
        if any(name in metrics for metrics in columns.values())
    ]
    return Table(("", *columns), tuple(rows))


def member_spread(results):
    """Returns the mean and range of each metric over the members.

    The table has no rows for a single member, which is the ensemble itself.
    """
    rows = []
    for name, label in QUALITY.items():
        values = member_values(results, name)
        values = values[np.isfinite(values)]
        if len(values) > 1:
            span = f"{fixed(values.min())} to {fixed(values.max())}"
            rows.append((label, fixed(values.mean()), span))
    return Table(("", "Mean", "Range"), tuple(rows))


def members(results):
    """Returns the table of the ensemble and each of its members.

    It has no rows for a single member, which is the ensemble itself.
    """
    values = {name: member_values(results, name) for name in QUALITY}
    values = {name: array for name, array in values.items() if len(array)}
    size = max(map(len, values.values()), default=0)
    if size < 2:
        return Table(("",), ())
    rows = [("Ensemble", *(fixed(number(results.test, n)) for n in values))]
    for index in range(size):
        cells = (
            fixed(array[index]) if index < len(array) else MISSING
            for array in values.values()
        )
        rows.append((f"Member {index}", *cells))
    return Table(("", *(QUALITY[name] for name in values)), tuple(rows))


def corruptions(results, metric="accuracy"):
    """Returns the table of one metric by corruption type and severity."""
    severities, mean, types = severity_curves(results, metric)
    if len(severities) < 2:
        return Table(("",), ())
    lines = {"Mean": mean} if not types else {**types, "Mean": mean}
    rows = [
        (name.replace("_", " "), *(fixed(v, 3) for v in values[1:]))
        for name, values in lines.items()
    ]
    columns = (f"Severity {severity}" for severity in severities[1:])
    return Table(("", *columns), tuple(rows))


def natural(results):
    """Returns the table of natural test sets, a row per set and scoring."""
    labels = {**QUALITY, "accuracy_pm_0": "pm-0", "accuracy_pm_10": "pm-10"}
    labels = {
        name: label
        for name, label in labels.items()
        if any(name in metrics for metrics in results.natural.values())
    }
    rows = [
        (
            part.replace("/", ", ").replace("_", " "),
            *(fixed(number(metrics, name)) for name in labels),
        )
        for part, metrics in results.natural.items()
    ]
    return Table(("", *labels.values()), tuple(rows))


def skipped(results):
    """Returns the table of how many images of a set could not be read."""
    rows = [
        (part.replace("/", ", ").replace("_", " "), f"{count:.0f}")
        for part, count in results.skipped.items()
        if count
    ]
    return Table(("", "Skipped"), tuple(rows))


def ood(results):
    """Returns the table of out-of-distribution detection, a row per set.

    It has further columns if a detector was fitted.
    """
    fitted = {
        name.removeprefix(FITTED_OOD): metrics
        for name, metrics in results.fitted.items()
        if name.startswith(FITTED_OOD)
    }
    rows = []
    for name in sorted({*results.ood, *fitted}):
        own, more = results.ood.get(name, {}), fitted.get(name, {})
        cells = [number(own, key) for key in _OOD]
        cells += [number(more, key) for key in _DETECTOR] if fitted else []
        rows.append((name, *map(fixed, cells)))
    columns = [*_OOD.values(), *(_DETECTOR.values() if fitted else ())]
    return Table(("", *columns), tuple(rows))


def cost(results):
    """Returns the table of what a prediction costs."""
    known = {
        "params": ("Parameters", lambda value: f"{value:,.0f}"),
        "flops": ("FLOPs per example", scaled),
        "multiply_adds": ("Multiply-adds per example", scaled),
        "ms_per_example": ("Milliseconds per example", lambda v: f"{v:.4g}"),
    }
    order = [*known, *sorted(set(results.cost) - set(known))]
    rows = []
    for name in order:
        value = number(results.cost, name)
        if name in results.cost:
            label, form = known.get(name, (name, lambda v: f"{v:.6g}"))
            rows.append((label, MISSING if math.isnan(value) else form(value)))
    return Table(("", "Value"), tuple(rows))
