import pathlib

import pytest

from mimo_keras.errors import InputError
from uncertainty_runs.studies import engine, records, study

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _run(method, members, seed, nll):
    return {
        "method": method,
        "ensemble_size": members,
        "seed": seed,
        "cost/params": 1000 * members,
        "cost/flops": 2000 + 10 * members,
        **dict.fromkeys(study.COLUMNS.values()),
        "test/nll": nll,
    }


def cells_of(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_a_table_has_the_mean_and_deviation_over_seeds():
    record = {
        "runs": [
            _run("deterministic", 1, 0, 0.1),
            _run("mimo", 3, 0, 0.2),
            _run("deterministic", 1, 1, 0.3),
            _run("mimo", 3, 1, 0.2),
        ]
    }
    header, _, first, second = study.method_table(record).splitlines()
    cells = [cells_of(line)[:5] for line in (header, first, second)]
    # The sample deviation of 0.1 and 0.3 is 0.2 / sqrt(2).
    assert cells == [
        ["Method", "M", "Parameters", "FLOPs", "NLL"],
        ["deterministic", "1", "1,000", "1.000", "0.2000 ± 0.1414"],
        ["mimo", "3", "3,000", "1.010", "0.2000 ± 0.0000"],
    ]
    assert second.count(" - ") == len(study.COLUMNS) - 1


def test_the_document_has_the_table_of_the_recorded_runs():
    record = records.read(ROOT / "results/digits.json")
    seeds = {run["seed"] for run in record["runs"]}
    assert len(seeds) >= 3
    document = (ROOT / "docs/digits.md").read_text("utf-8")
    assert study.method_table(record) in document
    assert record["command"] in document


def test_a_missing_record_is_an_error(tmp_path):
    with pytest.raises(InputError, match="none.json"):
        records.read(tmp_path / "none.json")


def test_the_command_is_one_that_can_be_given_again(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    script = "uncertainty_runs/studies/sweep.py"
    for folder, said in (
        (tmp_path, f"python {script}"),
        (tmp_path.parent / "site-packages", "mimo sweep"),
    ):
        monkeypatch.setattr("sys.argv", [str(folder / script), "--seeds=0"])
        assert engine.command() == f"{said} --seeds=0"
