"""The study of budgets: its record, its table and its plot."""

import pathlib

import pytest

from uncertainty_runs.studies import budgets, records, study

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(method, members, params, accuracy, nll):
    return {
        "method": method,
        "ensemble_size": members,
        "cost/params": params,
        "test/accuracy": accuracy,
        "test/nll": nll,
    }


def test_points_are_means_in_the_order_of_parameters():
    found = budgets.series(
        {
            "runs": [
                run("mixture_ensemble:num_params=2.0", 4, 200, 0.9, 0.2),
                run("mixture_ensemble:num_params=1.0", 4, 100, 0.7, 0.4),
                run("deterministic", 1, 100, 0.6, 0.5),
                run("mixture_ensemble:num_params=2.0", 4, 200, 0.8, 0.3),
            ]
        }
    )
    assert list(found) == ["mixture_ensemble, M = 4", "deterministic, M = 1"]
    small, large = found["mixture_ensemble, M = 4"]
    assert (small["params"], large["params"]) == (100, 200)
    assert small["test/accuracy"] == (0.7, 0.0)
    # The sample deviation of two numbers 0.1 apart is 0.1 / √2.
    assert large["test/nll"] == pytest.approx((0.25, 0.1 / 2**0.5))


def test_the_document_has_the_table_of_the_recorded_runs():
    record = records.read(ROOT / "results/budgets.json")
    seeds = {run["seed"] for run in record["runs"]}
    assert len(seeds) >= 3
    document = (ROOT / "docs/digits.md").read_text("utf-8")
    assert study.method_table(record) in document
    assert record["command"] in document
    assert (ROOT / "results/figures/budgets.png").stat().st_size > 10_000
    assert "results/figures/budgets.png" in document


def test_its_methods_are_those_of_the_record():
    record = records.read(ROOT / "results/budgets.json")
    entries = [entry.split(":") for entry in budgets.METHODS.split(",")]
    wanted = [
        (":".join([method, *options]), int(members))
        for method, members, *options in entries
    ]
    assert list(study.groups(record)) == wanted
