"""The study of calibration: what it runs, its tables, and the document's."""

import dataclasses
import math
import pathlib

import numpy as np
import pytest

import mimo_keras
from mimo_keras import data
from mimo_keras.errors import InputError
from tests.runs import in_process
from tests.training import networks
from uncertainty_runs.studies import calibration_study, engine, records, study

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = calibration_study.METHODS.split(",")


def run(seed, title, temperature_nll, severe):
    method, members = title.split(":")
    return {
        "method": f"{method}:train_epochs=1",
        "ensemble_size": int(members),
        "seed": seed,
        "none/nll": 0.5,
        "none/ece": 0.25,
        "member_temperatures/nll": 0.4,
        "member_temperatures/ece": 0.2,
        "temperature/nll": temperature_nll,
        "temperature/ece": 0.125,
        "temperature/T": 1.5,
        **{f"severity_{s}/coverage": 0.9 for s in range(5)},
        "severity_5/coverage": severe,
        **{f"severity_{s}/set_size": 1.0 + s for s in range(6)},
    }


RECORD = {
    "coverage": 0.95,
    "runs": [
        run(0, "mimo:3", 0.3, 0.5),
        run(0, "deterministic:1", 0.6, 0.75),
        run(1, "mimo:3", 0.7, 0.7),
    ],
}


def cells(table):
    lines = table.splitlines()
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in [lines[0], *lines[2:]]
    ]


def test_tables_are_of_means_over_seeds():
    header, mimo, plain = cells(calibration_study.calibration_table(RECORD))
    assert header[1:4] == ["NLL, as trained", "NLL, members' T", "NLL, T"]
    assert mimo == [
        *("MIMO, M = 3", "0.5000 ± 0.0000", "0.4000 ± 0.0000"),
        *("0.5000 ± 0.2828", "25.00 ± 0.00", "20.00 ± 0.00"),
        *("12.50 ± 0.00", "1.50 ± 0.00", "1 of 2"),
    ]
    assert plain[-1] == "0 of 1" and plain[3] == "0.6000"
    header, mimo, plain = cells(calibration_study.coverage_table(RECORD))
    assert header[:2] == ["Coverage, 95% asked for", "clean [%]"]
    assert mimo[-3:] == ["60.0 ± 14.1", "1.00 ± 0.00", "6.00 ± 0.00"]
    assert plain[1:7] == [*["90.0"] * 5, "75.0"]


def test_what_has_no_calibration_is_said():
    lost = RECORD["runs"][1] | {"temperature/nll": None, "temperature/T": None}
    _, row = cells(
        calibration_study.calibration_table({"runs": [lost], "coverage": 1})
    )
    assert row[3] == row[7] == "-" and row[-1] == "0 of 1"


def test_the_figure_is_of_the_same_means():
    left, right = calibration_study.figure(RECORD).axes
    mean = left.lines[2].get_ydata()
    np.testing.assert_allclose(mean, [*[0.9] * 5, (0.6 + 0.75) / 2])
    np.testing.assert_allclose(right.lines[0].get_ydata(), np.arange(1.0, 7))


@pytest.mark.parametrize("entry", METHODS)
def test_a_row_is_what_cifar_would_train(entry, resolve):
    wanted = resolve(f"{entry}:seed=3:output_dir=a")
    found = calibration_study.config_of(engine.parse(entry), 3)
    # A recipe says None for what has a default.
    same = dataclasses.replace(found, output_dir="a")
    assert vars(same) == vars(wanted)


def test_every_method_has_a_row():
    assert {entry.partition(":")[0] for entry in METHODS} == {
        *mimo_keras.list_methods()
    }
    with pytest.raises(InputError, match="methods=mimo:2:nonsense=1"):
        calibration_study.config_of(engine.parse("mimo:2:nonsense=1"), 0)


def test_numbers_are_those_of_the_library(monkeypatch):
    predictor = networks.create(
        backbone="mlp_8", input_shape=(8, 8, 1), num_classes=10
    ).predictor()
    images = data.load("digits", "train").images[:600]
    likely = np.array(predictor(images)["probabilities"]).argmax(axis=1)
    labels = np.where(np.arange(600) % 3, likely, 0)
    held_out = data.Examples("digits", images[:300], labels[:300], 10)
    rest = images[300:], labels[300:]
    monkeypatch.setattr(calibration_study, "test_sets", lambda: [rest] * 6)
    found = calibration_study.measured(predictor, held_out, 0.9, "lac")
    pair = held_out.images, held_out.labels
    warm = predictor.calibrate(*pair)
    assert found["held_out"] == 300
    assert found["temperature/T"] == warm.stages[0].temperature
    for name, one in (("none", predictor), ("temperature", warm)):
        wanted = mimo_keras.evaluate(one, *rest)
        assert found[f"{name}/nll"] == pytest.approx(wanted["nll"], rel=1e-6)
        assert found[f"{name}/ece"] == pytest.approx(wanted["ece"], abs=1e-6)
    wanted = mimo_keras.evaluate(warm.prediction_sets(*pair, 0.9), *rest)
    assert found["severity_5/coverage"] == wanted["coverage"]
    # All are predicted correctly: no temperature is best.
    sure = data.Examples("digits", images[:300], likely[:300], 10)
    lost = calibration_study.measured(predictor, sure, 0.9, "lac")
    assert lost["temperature/nll"] is lost["temperature/T"] is None
    assert lost["severity_0/coverage"] == lost["severity_5/coverage"]


def test_a_study_goes_on_where_its_record_ends(tmp_path, monkeypatch, capsys):
    ran = []

    def one_run(point, seed, *sets):
        ran.append((point.method, seed))
        numbers = RECORD["runs"][0] | {"method": point.label}
        return numbers | {"ensemble_size": point.members, "seed": seed}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibration_study, "one_run", one_run)
    line = ["--methods=mimo:2,mixmo:2", "--record=r.json"]
    in_process.main(calibration_study, *line, "--seeds=0")
    in_process.main(calibration_study, *line, "--seeds=0,1", "--figure=f.png")
    assert ran == [("mimo", 0), ("mixmo", 0), ("mimo", 1), ("mixmo", 1)]
    assert (tmp_path / "f.png").exists()
    assert "MixMo, M = 2" in capsys.readouterr().out
    with pytest.raises(InputError, match="one of coverage=0.99"):
        in_process.main(calibration_study, *line, "--coverage=0.9")


def test_the_document_has_the_tables_of_the_recorded_runs():
    record = records.read(ROOT / "results/calibration_study.json")
    told = (ROOT / "docs/calibration.md").read_text("utf-8")
    for table in calibration_study.tables(record).split("\n\n"):
        assert table in told
    assert record["command"] in told
    groups = study.groups(record)
    assert len(groups) == len(METHODS)
    for runs in groups.values():
        assert len({run["seed"] for run in runs}) >= 3


def test_the_recorded_coverage_falls_under_corruption():
    record = records.read(ROOT / "results/calibration_study.json")
    for runs in study.groups(record).values():
        clean, worst = (
            math.fsum(study.values(runs, f"severity_{s}/coverage")) / len(runs)
            for s in (0, 5)
        )
        assert clean > 0.97 and worst < clean - 0.01
