"""The study on the diabetes data: units, pairs, resumption, its record."""

import json
import math
import pathlib

import numpy as np
import pytest
import scipy.stats

import mimo_keras
from mimo_keras.data import diabetes_patients
from mimo_keras.errors import InputError
from tests.runs import in_process
from uncertainty_runs.studies import diabetes, records, study

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = [entry.split(":")[0] for entry in diabetes.METHODS.split(",")]
LINE = ("--record=r.json", "--splits=2")


def one(method, split, value):
    keys = dict.fromkeys(diabetes.KEYS, value)
    return {"method": method, "ensemble_size": 1, "seed": split, **keys}


@pytest.fixture
def short(tmp_path, monkeypatch):
    """A function that runs the study without training; returns its record."""
    monkeypatch.chdir(tmp_path)

    def measures(f, method, members, split):
        if (method, len(made)) == short.stops_at:
            raise KeyboardInterrupt
        made.append(method)
        # Known by the split's own targets.
        return dict.fromkeys(diabetes.KEYS, split.mean) | {"epochs": 3}

    def short(*line, stops_at=None):
        short.stops_at = stops_at
        made.clear()
        in_process.main(diabetes, *LINE, *line)
        return json.loads((tmp_path / "r.json").read_text())

    made = short.made = []
    monkeypatch.setattr(diabetes, "measures", measures)
    return short


def test_a_stopped_study_goes_on_where_it_was(short):
    line = "--methods=deterministic:1,mimo:3"
    with pytest.raises(KeyboardInterrupt):
        short(line, stops_at=("mimo", 1))
    record = short(line)
    assert short.made == ["mimo", "deterministic", "mimo"]
    found = [(run["method"], run["seed"]) for run in record["runs"]]
    assert found == [
        *(("deterministic", 0), ("mimo", 0)),
        *(("deterministic", 1), ("mimo", 1)),
    ]
    examples = diabetes_patients.load()
    means = [diabetes_patients.split(examples, n).mean for n in range(2)]
    assert [run["nll"] for run in record["runs"]] == np.repeat(
        means, 2
    ).tolist()
    assert short(line)["runs"] == record["runs"] and short.made == []
    with pytest.raises(InputError, match="patience=10"):
        short(line, "--patience=3")


@pytest.mark.parametrize("methods", ["", "mimo", "mimo:3:l2=0"])
def test_methods_are_names_and_members(short, methods):
    with pytest.raises(InputError, match="method|for M of"):
        short(f"--methods={methods}")


def test_a_record_of_another_study_is_refused(short, tmp_path):
    (tmp_path / "r.json").write_text('{"runs": [{"method": "mimo"}]}')
    with pytest.raises(InputError, match="record"):
        short("--table_only")


def test_measures_are_in_the_targets_units():
    """The density, error and widths of y = 50 z are those of SciPy."""
    draw = np.random.default_rng(0)
    targets, mean, std, scale = draw.normal(size=30), 0.2, 0.8, 50.0
    metrics = mimo_keras.evaluation.GaussianRegression(np.zeros(1))
    moments = (np.full((30, 1, 1), x) for x in (mean, std))
    metrics.update(*moments, targets)
    found = diabetes.in_units(metrics.result(), scale)
    own = scipy.stats.norm(mean * scale, std * scale)
    assert found["nll"] == pytest.approx(-own.logpdf(targets * scale).mean())
    error = targets * scale - mean * scale
    assert found["rmse"] == pytest.approx(math.sqrt(np.mean(error**2)))
    low, high = own.ppf([0.05, 0.95])
    assert found["width_90"] == pytest.approx(high - low)
    assert found["coverage_90"] == metrics.result()["coverage_90"]


def test_changes_are_paired_by_split():
    runs = [one("deterministic", n, 10.0 * n) for n in range(3)]
    runs += [one("mimo", n, 10.0 * n + n) for n in range(4)]
    main, changes = (
        [[c.strip() for c in line.split("|")[1:-1]] for line in text]
        for text in map(
            str.splitlines, diabetes.table({"runs": runs}).split("\n\n")
        )
    )
    assert main[0] == ["Method", "M", "Splits", *diabetes.COLUMNS]
    assert [row[:3] for row in main[2:]] == [
        ["deterministic", "1", "3"],
        ["mimo", "1", "4"],
    ]
    # 0, 1, 2: the fourth split has no other. Student's t of 2 degrees.
    half = scipy.stats.t.ppf(0.975, 2) / math.sqrt(3)
    assert changes[2][:4] == ["mimo", "1", "3", f"1.000 ± {half:.3f}"]


def test_the_network_is_trained_and_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_process.main(
        diabetes,
        *("--record=r.json", "--splits=1", "--methods=mc_dropout:1"),
        *("--backbone=mlp_8", "--train_epochs=2", "--batch_size=177"),
    )
    [run] = json.loads((tmp_path / "r.json").read_text())["runs"]
    assert run["epochs"] == 2
    # Targets spread by 77; a network of two epochs does not know them.
    assert 40 < run["rmse"] < 150 and 20 < run["crps"] < run["rmse"]
    assert 5 < run["nll"] < 9 and 0 <= run["coverage_90"] <= 1


def test_the_document_has_the_tables_of_the_record():
    record = records.read(ROOT / "results/diabetes.json")
    told = (ROOT / "docs/regression.md").read_text("utf-8")
    for table in diabetes.table(record).split("\n\n"):
        assert table in told
    assert record["command"] in told
    groups = study.groups(record)
    assert [method for method, _ in groups] == METHODS
    for runs in groups.values():
        assert [run["seed"] for run in runs] == [*range(20)]
