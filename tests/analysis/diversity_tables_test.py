"""Diversity by hand, and its table over seeds."""

import json
import pathlib

import numpy as np
import pytest

from mimo_keras import analysis
from mimo_keras.analysis.diversity_tables import normalized_disagreement
from mimo_keras.analysis.tables import mean_and_interval
from mimo_keras.errors import InputError
from mimo_keras.evaluation import Results

ROOT = pathlib.Path(__file__).resolve().parents[2]


def results(disagreement, kl, accuracies):
    return Results(
        test={"disagreement": disagreement, "kl": kl, "accuracy": 0.9},
        members={m: {"accuracy": a} for m, a in enumerate(accuracies)},
    )


def test_the_normalized_disagreement_by_hand():
    """A disagreement of 0.1 over errors of 0.2 and 0.4 is 1/2 and 1/4."""
    matrix = [[0, 0.1], [0.1, 0]]
    found = normalized_disagreement(matrix, [0.8, 0.6])
    assert found == pytest.approx(3 / 8)
    assert normalized_disagreement(np.zeros((2, 2)), [0.8, 0.6]) == 0


def test_members_that_never_err_together():
    """Three, each wrong in one of 10 places: two differ in two of 10."""
    matrix = np.full((3, 3), 0.2) - 0.2 * np.eye(3)
    found = normalized_disagreement(matrix, [0.9, 0.9, 0.9])
    assert found == pytest.approx(2.0)


@pytest.mark.parametrize("accuracies", [[1.0, 0.5], [0.5]])
def test_without_an_error_or_a_pair_there_is_no_number(accuracies):
    size = len(accuracies)
    found = normalized_disagreement(np.zeros((size, size)), accuracies)
    assert np.isnan(found)


def test_arrays_of_different_runs():
    with pytest.raises(InputError, match="one run"):
        normalized_disagreement(np.zeros((2, 2)), [0.5] * 3)


def test_the_table_has_a_row_for_each_method_and_intervals_over_seeds():
    arrays = {"disagreement_matrix": np.array([[0, 0.1], [0.1, 0]])}
    runs = [
        {"method": method, "ensemble_size": 2}
        | analysis.run_diversity(results(d, kl, (0.8, 0.8)), arrays)
        for method, d, kl in [
            ("mimo", 0.2, 0.5),
            ("naive_multihead", 0.05, 0.25),
            ("mimo", 0.4, 0.5),
        ]
    ]
    header, _, naive, mimo = analysis.diversity_table(runs).splitlines()
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (header, naive, mimo)
    ]
    assert cells[0][:4] == ["Method", "M", "Seeds", "Disagreement"]
    assert cells[1] == [
        *("Naive multihead", "2", "1", "0.0500", "0.2500", "0.5000", "0.9000")
    ]
    # Student's t of one degree of freedom at 97.5% is 12.7062.
    assert cells[2][:4] == ["MIMO", "2", "2", "0.3000 ± 1.2706"]
    assert cells[2][4] == "0.5000 ± 0.0000"


def test_the_documents_table_and_claim_are_those_of_the_record():
    record = json.loads((ROOT / "results" / "diversity.json").read_text())
    runs = record["runs"]
    text = (ROOT / "docs" / "figures.md").read_text("utf-8")
    assert analysis.diversity_table(runs) in text

    def interval(method, column):
        values = [run[column] for run in runs if run["method"] == method]
        found = mean_and_interval(values, 6).split(" ± ")
        mean, half = map(float, found)
        return mean - half, mean + half

    for column in ("Disagreement", "KL (nats)"):
        assert (
            interval("mimo", column)[0] > interval("naive_multihead", column)[1]
        )
    assert interval("naive_multihead", "KL (nats)")[1] < 0.01


def test_a_single_member_has_no_diversity():
    with pytest.raises(InputError, match="at least two members"):
        analysis.run_diversity(results(0, 0, [0.9]), {})
