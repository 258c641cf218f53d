"""The sections of a report about a predictor fitted to held-out examples."""

import numpy as np

from mimo_keras.analysis.lookup import number
from mimo_keras.analysis.ood_figures import ood_histograms
from mimo_keras.analysis.reliability import (
    calibration_error,
    reliability_diagram,
)
from mimo_keras.analysis.set_figures import coverage_plot, set_sizes_plot
from mimo_keras.analysis.summary import (
    FITTED_OOD,
    QUALITY,
    Table,
    fixed,
)

_SEVERITY = "severity_"


def severities(results):
    """Returns the severities with results of a fitted predictor, from 0."""
    found = {
        int(name.removeprefix(_SEVERITY)): metrics
        for name, metrics in results.fitted.items()
        if name.startswith(_SEVERITY)
        and name.removeprefix(_SEVERITY).isdecimal()
    }
    return {0: results.fitted.get("test", {})} | dict(sorted(found.items()))


def calibrated(results):
    """Returns the table of the measures before and after the fit."""
    after = results.fitted.get("test", {})
    names = [n for n in QUALITY if n in results.test and n in after]
    if not names or not results.fitted.get("on", {}).get("calibrated"):
        return Table(("",), ())
    rows = [
        (title, *(fixed(number(metrics, name)) for name in names))
        for title, metrics in (
            ("As trained", results.test),
            ("Calibrated", after),
        )
    ]
    return Table(("", *(QUALITY[name] for name in names)), tuple(rows))


def prediction_sets(results):
    """Returns the table of coverage and mean size, by severity."""
    rows = [
        (
            f"Severity {severity}" if severity else "Test set",
            fixed(number(metrics, "coverage")),
            fixed(number(metrics, "set_size"), 3),
        )
        for severity, metrics in severities(results).items()
        if "coverage" in metrics
    ]
    return Table(("", "Coverage", "Mean size"), tuple(rows))


def reliability(arrays):
    """Returns the diagram after calibration: figure, text and caption."""
    keys = [
        f"fitted_reliability_{part}"
        for part in ("count", "confidence", "accuracy")
    ]
    if not all(key in arrays for key in keys):
        return None
    bins = [arrays[key] for key in keys]
    alt = (
        f"Reliability diagram after calibration: {len(bins[0])} bins of "
        f"confidence, expected calibration error {calibration_error(*bins):.4f}"
    )
    caption = (
        "The test set after calibration, to compare with the diagram at the "
        "top, which is of the network as it was trained."
    )
    return reliability_diagram(*bins, title="Calibrated"), alt, caption


def sizes(arrays):
    """Returns the sizes of the sets: figure, text and caption."""
    if not {"set_sizes", "set_sizes_covered"} <= set(arrays):
        return None
    count = np.asarray(arrays["set_sizes"])
    mean = float(count @ np.arange(len(count)) / count.sum())
    alt = (
        f"Bars of the sizes of {int(count.sum())} prediction sets, "
        f"{mean:.2f} classes on average."
    )
    caption = "How many classes the prediction sets of the test set have."
    figure = set_sizes_plot(count, arrays["set_sizes_covered"])
    return figure, alt, caption


def coverage(results):
    """Returns coverage by severity: figure, text and caption."""
    found = {s: m for s, m in severities(results).items() if "coverage" in m}
    if len(found) < 2:
        return None
    values = [number(metrics, "coverage") for metrics in found.values()]
    mean = [number(metrics, "set_size") for metrics in found.values()]
    asked = number(results.fitted.get("on", {}), "PredictionSets_coverage")
    alt = (
        f"Coverage and mean size of the sets against severity: from "
        f"{values[0]:.4f} to {values[-1]:.4f}."
    )
    caption = (
        "The coverage that was asked for is promised for images like the "
        "held-out ones, not for corrupted ones."
    )
    wanted = asked if asked == asked else None
    return coverage_plot([*found], values, mean, wanted), alt, caption


def histograms(results, arrays):
    """Returns the detector's scores of each set: figure, text and caption."""
    inside = arrays.get("fitted_ood_in")
    outside = {
        key.removeprefix("fitted_ood_out_"): value
        for key, value in arrays.items()
        if key.startswith("fitted_ood_out_")
    }
    if inside is None or not outside:
        return None
    areas = {
        name: number(results.fitted.get(FITTED_OOD + name, {}), "auroc")
        for name in outside
    }
    alt = f"Histograms of the detector's score of {', '.join(sorted(outside))}."
    caption = (
        "The fitted detector's score of the test set and of other images, each "
        "as a percentage of its own set."
    )
    scores = {name: (inside, values) for name, values in outside.items()}
    return ood_histograms(scores, areas), alt, caption
