"""The figures of a report, each with its caption and alternative text."""

import numpy as np

from mimo_keras.analysis import fitted_figures, page, style
from mimo_keras.analysis.corruption import corruption_by_severity
from mimo_keras.analysis.curves import training_curves
from mimo_keras.analysis.lookup import (
    member_values,
    number,
    ood_areas,
    ood_scores,
    severity_curves,
)
from mimo_keras.analysis.member_figures import member_agreement, member_scores
from mimo_keras.analysis.ood_figures import ood_histograms
from mimo_keras.analysis.reliability import (
    calibration_error,
    reliability_diagram,
)
from mimo_keras.analysis.risk import risk_coverage_plot


def figures(results, rows, arrays):
    """Draws every figure for which there is data.

    Args:
        results: `evaluation.Results`.
        rows: The rows of metrics.csv, as returned by `read_metrics`.
        arrays: The arrays of arrays.npz.

    Returns:
        A dict from the figure's name to `page.Markup`.
    """
    drawn = {
        "reliability": _reliability(arrays),
        "risk": _risk(results, arrays),
        "corruption": _corruption(results),
        "members": _members(results),
        "agreement": _agreement(arrays),
        "ood": _ood(results, arrays),
        "training": _training(rows),
    }
    found = {
        "calibrated": fitted_figures.reliability(arrays),
        "sets": fitted_figures.sizes(arrays),
        "coverage": fitted_figures.coverage(results),
        "detected": fitted_figures.histograms(results, arrays),
    }
    drawn |= {name: _picture(*one) for name, one in found.items() if one}
    drawn["sets"] = _together(drawn.get("sets"), drawn.get("coverage"))
    return {name: markup for name, markup in drawn.items() if markup}


_WIDE = 6.0
"""Inches from which on a figure does not fit a narrow window."""


def _picture(figure, alt, caption):
    wide = figure.get_figwidth() > _WIDE
    return page.picture(style.data_uri(figure), alt, caption, wide)


def _reliability(arrays):
    pictures = []
    pooled = (
        " The ECE above is that of the sets' examples taken together; that in "
        "the table is the mean of the sets' own, which is usually larger."
    )
    sets = (
        ("", "Test set", ""),
        ("corrupted_", "All corrupted sets pooled", pooled),
    )
    for prefix, name, more in sets:
        keys = [
            f"{prefix}reliability_{part}"
            for part in ("count", "confidence", "accuracy")
        ]
        if all(key in arrays for key in keys):
            bins = [arrays[key] for key in keys]
            alt = (
                f"Reliability diagram, {name.lower()}: {len(bins[0])} bins "
                f"of confidence, {int(np.sum(bins[0]))} examples, expected "
                f"calibration error {calibration_error(*bins):.4f}."
            )
            caption = (
                f"{name}: accuracy in each bin of confidence. Bars below "
                "the diagonal are overconfident, bars above it "
                "underconfident. Below, the number of examples in each bin."
                f"{more}"
            )
            figure = reliability_diagram(*bins, title=name)
            pictures.append(_picture(figure, alt, caption))
    return _together(*pictures)


def _together(*pictures):
    """Returns pictures side by side; None if there are none."""
    pictures = [picture for picture in pictures if picture]
    if not pictures:
        return None
    return page.element("div", *pictures, class_="figures")


def _risk(results, arrays):
    if not {"risk_coverage", "risk"} <= set(arrays):
        return None
    coverage, risk = arrays["risk_coverage"], arrays["risk"]
    half = risk[np.argmin(np.abs(coverage - 0.5))]
    area = number(results.test, "aurc")
    alt = (
        f"Risk against coverage: {half:.4f} of the more confident half of the "
        f"predictions are wrong, {risk[-1]:.4f} of all; area {area:.5f}."
    )
    caption = (
        "How often the ensemble is wrong if it answers only the images it is "
        "most confident of; lower is better, and the area summarizes it."
    )
    figure = risk_coverage_plot(coverage, risk, area, "Test set")
    return _picture(figure, alt, caption)


def _corruption(results):
    severities, mean, types = severity_curves(results, "accuracy")
    if len(severities) < 2:
        return None
    alt = (
        f"Metrics against severity 0 to {severities[-1]}: accuracy goes from "
        f"{mean[0]:.4f} on clean images to {mean[-1]:.4f}."
    )
    caption = (
        "Metrics as the corruptions grow stronger. Faint lines are the "
        f"{len(types)} corruption types; the best and the worst are labeled."
    )
    return _picture(corruption_by_severity(results), alt, caption)


def _members(results):
    accuracy = member_values(results, "accuracy")
    accuracy = accuracy[np.isfinite(accuracy)]
    if len(accuracy) < 2:
        return None
    alt = (
        f"Accuracy of {len(accuracy)} members, from {accuracy.min():.4f} "
        f"to {accuracy.max():.4f}, against the ensemble's "
        f"{number(results.test, 'accuracy'):.4f}; and the same for the NLL."
    )
    caption = (
        "Each member against the ensemble; a stem's length is what the "
        "ensemble gains over that member."
    )
    return _picture(member_scores(results), alt, caption)


def _agreement(arrays):
    matrix = arrays.get("disagreement_matrix")
    if matrix is None or len(matrix) < 2:
        return None
    pairs = matrix[~np.eye(len(matrix), dtype=bool)]
    alt = (
        f"Heat map of the disagreement of {len(matrix)} members: "
        f"{pairs.min():.4f} to {pairs.max():.4f} between two of them."
    )
    caption = "How much each pair of members differs on the test set."
    figure = member_agreement(matrix, arrays.get("kl_matrix"))
    return _picture(figure, alt, caption)


def _ood(results, arrays):
    scores = ood_scores(results, arrays)
    if not scores:
        return None
    alt = (
        "Histograms of the out-of-distribution scores of the test set and of "
        f"{', '.join(scores)}."
    )
    caption = (
        "Scores of the test set and of other images, each as a percentage of "
        "its own set. The less they overlap, the better the detection."
    )
    return _picture(
        ood_histograms(scores, ood_areas(results, scores)), alt, caption
    )


def _training(rows):
    if not rows:
        return None
    alt = f"Training curves; epochs shown: {len(rows)}."
    caption = (
        "Training, epoch by epoch. The training loss is summed over the "
        "members (averaged in batch_ensemble and rank1_bnn) and includes the "
        "weight penalty."
    )
    return _picture(training_curves(rows), alt, caption)
