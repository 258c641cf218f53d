"""The report of a regression on one page."""

import re

import numpy as np

from mimo_keras.analysis import notes, page, regression_figures, style
from mimo_keras.analysis.report import library_versions
from mimo_keras.files import replacing

_LABELS = {
    "nll": "NLL",
    "crps": "CRPS",
    "pinball": "Pinball loss",
    "mse": "MSE",
    "rmse": "RMSE",
    "mae": "MAE of the median",
    "calibration_error": "Calibration error",
    "sharpness": "Sharpness",
}
_DIVERSITY = {
    "aleatoric_variance": "Aleatoric variance",
    "member_variance": "Epistemic variance",
    "kl": "KL divergence [nats]",
}
_NOTES = {
    "Quality": (
        ("", "Lower is better."),
        ("NLL", "NLL in nats of the targets' joint density."),
        ("CRPS", "CRPS in the units of the targets."),
        ("Pinball loss", "Pinball loss in the units of the targets."),
        ("RMSE", "RMSE in the units of the targets."),
        (
            "Calibration error",
            "Calibration error: the mean |share of targets below a quantile - "
            "its level|.",
        ),
        ("Sharpness", "Sharpness: the mean predicted standard deviation."),
    ),
    "Intervals": (
        (
            "",
            "Coverage: the share of targets in the predicted central interval, "
            "which should be the nominal one; width: its mean, in the units of "
            "the targets.",
        ),
    ),
    "Members": (("", "Each member alone, against the ensemble."),),
    "Diversity": (
        (
            "Aleatoric variance",
            "Aleatoric variance: the members' mean variance; that of the "
            "mixture is the sum of the two variances.",
        ),
        ("Epistemic", "Epistemic variance: that of the members' means."),
        (
            "KL divergence",
            "KL divergence between two members, averaged over the pairs.",
        ),
    ),
}


def write(path, measures, arrays, title):
    """Writes the page with the tables and figures for which there is data.

    Args:
        path: The page's path object.
        measures: Dictionary of `mimo_keras.evaluate`.
        arrays: "pit" shares, "levels" and "observed" of quantiles, "std".
        title: Of the page.
    """
    drawn = _figures(measures, arrays)
    quality = _rows(measures, _LABELS)
    sections = [
        _section("Quality", ["Measure", "Value"], quality),
        _section("Intervals", *_intervals(measures)),
        _section(
            "Calibration",
            figure=page.element("div", *drawn, class_="figures")
            if drawn
            else None,
        ),
        *_members_sections(measures),
    ]
    text = page.document(
        title,
        page.element("header", page.element("h1", title)),
        page.tiles(quality[:4]),
        *sections,
        page.section("Libraries", page.listing(library_versions())),
    )
    with replacing(path) as file:
        file.write(text)


def _rows(measures, labels):
    return [
        [label, f"{measures[name]:.4f}"]
        for name, label in labels.items()
        if name in measures
    ]


def _intervals(measures):
    """Returns columns and rows of the intervals, fitted ones last."""
    rows = []
    for name in measures:
        if found := re.fullmatch(r"coverage(_[\d.]+)?", name):
            level = found[1] or ""
            nominal = f"{level[1:]}%" if level else "as fitted"
            width = measures[f"width{level}"]
            rows.append([nominal, f"{measures[name]:.4f}", f"{width:.4f}"])
    return ["Nominal", "Coverage", "Mean width"], rows


def _members_sections(measures):
    """Returns the sections on members, if there are several."""
    columns, rows = _members(measures)
    if len(rows) < 3:
        return []
    diversity = _rows(measures, _DIVERSITY)
    return [
        _section("Members", columns, rows),
        _section("Diversity", ["Measure", "Value"], diversity),
    ]


def _members(measures):
    """Returns columns and rows of each member's own errors."""
    known = [
        n for n in ("nll", "pinball", "mse") if f"{n}_member_0" in measures
    ]
    count = (
        sum(known[0] in n for n in measures if "_member_" in n) if known else 0
    )
    rows = [
        [e, *(f"{measures[f'{name}_member_{e}']:.4f}" for name in known)]
        for e in range(count)
    ]
    if rows:
        whole = [f"{measures[name]:.4f}" for name in known]
        rows.append(["Ensemble", *whole])
    return ["Member", *(_LABELS[name] for name in known)], rows


def _section(title, columns=(), rows=(), figure=None):
    parts = []
    if rows:
        names = [*columns, *(str(row[0]) for row in rows)]
        note = notes.said(_NOTES[title], names)
        parts.append(page.element("p", note, class_="note"))
        parts.append(page.table(columns, rows))
    if figure:
        parts.append(figure)
    return page.section(title, *parts) if parts else page.NOTHING


def _figures(measures, arrays):
    """Returns the pictures of calibration and sharpness."""
    found = []
    if "pit" in arrays:
        shares = arrays["pit"]
        found.append(
            _picture(
                regression_figures.pit_histogram(shares, "PIT histogram"),
                f"Histogram of F(y) in {len(shares)} parts: shares from "
                f"{shares.min():.4f} to {shares.max():.4f}.",
                "Where targets fall in their predicted distributions: evenly "
                "if calibrated. Hollow in the middle: too narrow; humped: too "
                "wide; sloped: too low or too high.",
            )
        )
    if "observed" in arrays:
        error = measures["calibration_error"]
        levels, observed = arrays["levels"], arrays["observed"]
        worst = np.abs(observed - levels).max()
        found.append(
            _picture(
                regression_figures.calibration_curve(
                    levels, observed, error, "Calibration"
                ),
                f"Calibration curve of {len(levels)} quantiles: error "
                f"{error:.4f}, at most {worst:.4f}.",
                "How many targets are below each predicted quantile.",
            )
        )
    if "std" in arrays:
        std = arrays["std"]
        found.append(
            _picture(
                regression_figures.sharpness_histogram(std, "Sharpness"),
                f"Histogram of predicted standard deviations, from "
                f"{std.min():.4g} to {std.max():.4g}, mean {std.mean():.4g}.",
                "Predicted standard deviations: the smaller, the sharper, as "
                "long as the intervals cover.",
            )
        )
    return found


def _picture(figure, alt, caption):
    return page.picture(style.data_uri(figure), alt, caption)
