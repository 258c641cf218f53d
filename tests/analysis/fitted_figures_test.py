"""Tables and pictures of a fitted predictor's results."""

import numpy as np
import pytest

from mimo_keras.analysis import fitted_figures, summary
from mimo_keras.evaluation import Results

RESULTS = Results.from_flat(
    {
        "test/nll": 0.9,
        "test/ece": 0.2,
        "fitted/on/calibrated": 1.0,
        "fitted/on/PredictionSets_coverage": 0.8,
        "fitted/test/nll": 0.7,
        "fitted/test/ece": 0.1,
        "fitted/test/coverage": 0.81,
        "fitted/test/set_size": 1.5,
        "fitted/severity_2/coverage": 0.6,
        "fitted/severity_2/set_size": 2.5,
        "fitted/severity_1/coverage": 0.7,
        "fitted/severity_1/set_size": 2.0,
        "fitted/ood_noise/auroc": 0.95,
    }
)
ARRAYS = {
    "fitted_reliability_count": np.array([1, 3]),
    "fitted_reliability_confidence": np.array([0.4, 0.9]),
    "fitted_reliability_accuracy": np.array([0.0, 1.0]),
    "set_sizes": np.array([0, 2, 2]),
    "set_sizes_covered": np.array([0, 1, 2]),
    "fitted_ood_in": np.arange(5.0),
    "fitted_ood_out_noise": np.arange(5.0) + 3,
}


def test_tables():
    table = fitted_figures.calibrated(RESULTS)
    assert table.columns == ("", "NLL", "ECE")
    assert table.rows == (
        ("As trained", "0.9000", "0.2000"),
        ("Calibrated", "0.7000", "0.1000"),
    )
    assert fitted_figures.prediction_sets(RESULTS).rows == (
        ("Test set", "0.8100", "1.500"),
        ("Severity 1", "0.7000", "2.000"),
        ("Severity 2", "0.6000", "2.500"),
    )
    assert summary.ood(RESULTS).columns[-3:] == (
        *("AUROC det.", "AUPR det.", "FPR95 det."),
    )
    none = ("–",) * 5
    assert summary.ood(RESULTS).rows == (("noise", *none, "0.9500", "–", "–"),)
    known = Results(ood={"noise": {"auroc": 0.5}, "other": {"auroc": 0.25}})
    rows = summary.ood(known | Results(fitted=RESULTS.fitted)).rows
    assert [row[0] for row in rows] == ["noise", "other"]
    assert rows[0][1] == "0.5000" and rows[0][6] == "0.9500"
    assert rows[1][1] == "0.2500" and rows[1][6] == "–"
    for make in (fitted_figures.calibrated, fitted_figures.prediction_sets):
        assert make(Results()).rows == ()


def test_pictures_say_what_they_show():
    _, alt, _ = fitted_figures.reliability(ARRAYS)
    assert "error 0.1750" in alt
    _, alt, _ = fitted_figures.sizes(ARRAYS)
    assert "4 prediction sets, 1.50 classes" in alt
    figure, alt, _ = fitted_figures.coverage(RESULTS)
    assert "0.8100 to 0.6000" in alt
    assert figure.axes[0].lines[1].get_ydata()[0] == pytest.approx(0.8)
    figure, alt, _ = fitted_figures.histograms(RESULTS, ARRAYS)
    assert figure.axes[0].get_title(loc="left") == "noise (AUROC 0.9500)"
    for drawn in (
        fitted_figures.reliability({}),
        fitted_figures.sizes({}),
        fitted_figures.coverage(Results()),
        fitted_figures.histograms(RESULTS, {}),
    ):
        assert drawn is None
