"""The figures of a run, and the numbers in their alternative texts."""

import re

import numpy as np
import pytest

from mimo_keras.analysis.report_figures import figures
from mimo_keras.evaluation import Results

_ALT = re.compile(r'alt="([^"]*)"')


def _alts(results=None, rows=(), arrays=None):
    """The alternative texts of each figure's images."""
    found = figures(results or Results(), rows, arrays or {})
    return {name: _ALT.findall(markup) for name, markup in found.items()}


def test_a_run_without_anything_has_no_figure():
    assert figures(Results(), [], {}) == {}


def test_reliability_says_how_much_was_seen():
    bins = {"count": [4, 12], "confidence": [0.4, 0.8], "accuracy": [0.5, 0.9]}
    arrays = {
        f"corrupted_reliability_{k}": np.array(v) for k, v in bins.items()
    }
    (alt,) = _alts(arrays=arrays)["reliability"]
    assert alt == (
        "Reliability diagram, all corrupted sets pooled: 2 bins of "
        "confidence, 16 examples, expected calibration error 0.1000."
    )
    del arrays["corrupted_reliability_count"]
    assert _alts(arrays=arrays) == {}


def test_risk_names_half_and_all_of_the_answers():
    arrays = {
        "risk_coverage": np.linspace(0, 1, 5),
        "risk": np.array([0, 0, 0.125, 0.2, 0.25]),
    }
    (alt,) = _alts(Results(test={"aurc": 0.0625}), arrays=arrays)["risk"]
    assert alt == (
        "Risk against coverage: 0.1250 of the more confident half of the "
        "predictions are wrong, 0.2500 of all; area 0.06250."
    )
    assert _alts(arrays={"risk": arrays["risk"]}) == {}


def test_both_reliability_diagrams_stand_side_by_side(arrays):
    first, second = _alts(arrays=arrays)["reliability"]
    assert "test set" in first and "corrupted" in second


def test_corruption_and_members_name_their_ends(results):
    alts = _alts(results)
    assert list(alts) == ["corruption", "members"]
    assert alts["corruption"] == [
        "Metrics against severity 0 to 5: accuracy goes from 0.9812 on clean "
        "images to 0.8550."
    ]
    assert alts["members"] == [
        "Accuracy of 3 members, from 0.9600 to 0.9700, against the "
        "ensemble&#x27;s 0.9812; and the same for the NLL."
    ]


@pytest.mark.parametrize("names", [("disagreement_matrix",), ("kl_matrix",)])
def test_agreement_leaves_out_the_diagonal_and_needs_disagreement(names):
    matrix = np.array([[0.0, 0.25], [0.5, 0.0]])
    alts = _alts(arrays=dict.fromkeys(names, matrix))
    wanted = [
        "Heat map of the disagreement of 2 members: 0.2500 to 0.5000 between "
        "two of them."
    ]
    assert alts.get("agreement") == (wanted if "kl" not in names[0] else None)


def test_ood_and_training_name_what_they_show(arrays):
    scores = {k: v for k, v in arrays.items() if k.startswith("ood_")}
    results = Results(ood={"scenes": {"auroc": 0.9}})
    alts = _alts(results, [{"epoch": 0.0, "loss": 1.0}], scores)
    assert alts["ood"][0].endswith("of the test set and of scenes.")
    assert alts["training"][0].endswith("epochs shown: 1.")
