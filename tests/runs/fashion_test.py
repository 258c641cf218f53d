"""The study of Fashion-MNIST: order, tuning, its tables and its record."""

import dataclasses
import itertools
import pathlib

import pytest
import scipy.stats

from mimo_keras.errors import InputError
from tests.runs import in_process
from uncertainty_runs.studies import (
    engine,
    fashion,
    fashion_plan,
    fashion_tables,
    records,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAN = fashion_plan.Plan(
    backbone="small_cnn_1",
    deep_backbone="wide_resnet_10_1",
    deep_methods=("mixture_ensemble", "mixshare"),
    members=2,
    repetitions=2,
    train_examples=100,
    corrupted_examples=10,
    rates=("0.1", "0.2", "0.4"),
    epochs=("1", "2"),
    l2=("1e-4",),
    widths=("small_cnn_1", "small_cnn_2"),
    budgets=("0.75", "2.0"),
    options=("noaugment",),
)
ROWS = {row.title: row for row in PLAN.rows()}


def test_every_row_is_a_command_that_exists():
    assert len(ROWS) == len(PLAN.rows())
    for row in ROWS.values():
        tuned = ROWS[row.like] if row.like else row
        assert tuned.like is None
        assert row.base is None or row.base in ROWS
        settings = {name: values[0] for name, values in PLAN.grid(tuned)}
        for tune in (False, True):
            values = PLAN.point(row, settings, tune).settings()
            assert values is not None, row.title
            assert values.get("tune", False) == tune
            assert values["images_per_step"] == 128
            assert not values["augment"]
    methods = {row.method for row in ROWS.values()}
    assert len(methods) == 15
    budgets = [r.options for r in ROWS.values() if r.part == "budgets"]
    assert budgets == [("num_params=0.75",), ("num_params=2.0",)]


def test_a_record_of_an_older_version_has_the_budgets_of_then():
    facts = PLAN.facts()
    assert fashion_plan.Plan.of(facts) == PLAN
    del facts["budgets"]
    assert fashion_plan.Plan.of(facts).budgets == ("0.5", "2.0")


def test_budgets_are_shares():
    def options(*budgets):
        plan = dataclasses.replace(PLAN, budgets=budgets)
        return [r.options for r in plan.rows() if r.part == "budgets"]

    assert options("2") == [("num_params=2.0",)]
    for text in ("many", "0", "-1", "nan", "inf"):
        with pytest.raises(InputError, match="budgets as shares"):
            options(text)


def test_the_main_methods_come_first_seed_by_seed():
    found = [*fashion_plan.order(PLAN, ["5", "6"], ("main", "all"))]
    main = [row for row in ROWS.values() if row.part == "main"]
    assert found[: 2 * len(main)] == [
        (row, seed) for seed in ("5", "6") for row in main
    ]
    rest = {(row.part, row.whole, seed) for row, seed in found[2 * len(main) :]}
    assert rest == {("all", True, "5")}


def test_one_flag_is_tuned_after_the_other():
    seen = []

    def score(point):
        values = point.settings()
        rate = values["base_learning_rate"]
        seen.append((rate, values["train_epochs"]))
        assert values["tune"] and values["validation_share"] == 0.05
        return abs(rate - 0.4) + abs(values["train_epochs"] - 2)

    found = fashion_plan.search(PLAN, ROWS["Deterministic"], score)
    wanted = {"base_learning_rate": "0.4", "train_epochs": "2", "l2": "1e-4"}
    assert found == wanted
    assert seen == [(0.1, 1), (0.2, 1), (0.4, 1), (0.4, 1), (0.4, 2)]


def _numbers(point, seed, nll):
    return {
        "method": point.label,
        "ensemble_size": point.members,
        "seed": int(seed),
        **dict.fromkeys((*engine.COSTS, *fashion_tables.KEYS), 1.0),
        "test/nll": nll,
        "val/nll": nll,
    }


@pytest.fixture
def made(monkeypatch):
    """Stands in for the runs; gives the (point, seed) that were started."""
    started = []

    def one_run(point, seed, output_dir, keys):
        started.append((point, seed))
        if "base_learning_rate=0.4" in point.options:
            raise engine.DivergedError("The loss is NaN.")
        longer = "train_epochs=2" in point.options
        nll = (0.5 if longer else 0.6) + 0.01 * int(seed)
        more = 0.1 if point.method == "mimo" and int(seed) else 0.0
        return _numbers(point, seed, nll - more)

    monkeypatch.setattr(engine, "one_run", one_run)
    return started


def _study(folder, *more):
    plan = {
        name: ",".join(value) if isinstance(value, tuple) else value
        for name, value in vars(PLAN).items()
    }
    line = [f"--{name}={value}" for name, value in plan.items()]
    record = folder / "record.json"
    in_process.main(fashion, *line, f"--record={record}", *more)
    return records.read(record)


def test_a_study_goes_on_where_its_record_ends(made, tmp_path, capsys):
    record = _study(tmp_path, "--parts=main", "--seeds=0,1")
    main = [row for row in ROWS.values() if row.part == "main"]
    of_tuning = [point for point, _ in made if "tune" in point.evaluation]
    alone = [row for row in main if row.like is None]
    # One of the rates is not tried twice.
    assert len(of_tuning) == 4 * len(alone)
    assert len(made) == len(of_tuning) + 2 * len(main)
    assert len(record["runs"]) == len(made)
    # What diverged is not chosen, nor run again.
    chosen = [p for p, _ in made if "tune" not in p.evaluation]
    assert all("base_learning_rate=0.1" in p.options for p in chosen)
    assert all("train_epochs=2" in p.options for p in chosen)
    made.clear()
    said = capsys.readouterr().out
    _study(tmp_path, "--parts=main", "--seeds=0,1")
    assert made == []
    assert fashion_tables.tables(record) in said
    with pytest.raises(InputError, match="these settings"):
        _study(tmp_path, "--rates=0.3")
    some = ("--parts=main", "--seeds=2", "--methods=mimo:1,mimo:2")
    _study(tmp_path, *some)
    assert [point.members for point, _ in made] == [1, 2]
    with pytest.raises(InputError, match="methods=mimo:9"):
        _study(tmp_path, "--methods=mimo:9")
    with pytest.raises(InputError, match="parts=mian"):
        _study(tmp_path, "--parts=mian")


def test_differences_are_paired_and_what_is_missing_is_said(made, tmp_path):
    record = _study(tmp_path, "--parts=main", "--seeds=0,1")
    of = fashion_tables.Found(record)
    lines = fashion_tables.differences(of, [ROWS["MIMO, M = 2"]]).splitlines()
    cells = [cell.strip() for cell in lines[2].split("|")]
    # 0.50 - 0.50 and 0.41 - 0.51: mean -0.05, deviation 0.1 / √2.
    half = scipy.stats.t.ppf(0.975, 1) * 0.05
    assert cells[1:4] == ["MIMO, M = 2", "2", f"-0.0500 ± {half:.4f}"]
    for table in (fashion_tables.quality, fashion_tables.differences):
        line = table(of, [ROWS["TreeNet, M = 3"]]).splitlines()[2]
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        assert cells[0] == "not run" and {*cells[1:]} == {"-"}


def test_what_is_missing_is_named_once_below_its_table(made, tmp_path):
    record = _study(tmp_path, "--parts=main", "--seeds=0", "--methods=mimo:2")
    text = fashion_tables.tables(record)
    _, methods, rest = text.partition("### Methods\n")
    methods, _, rest = rest.partition("### ")
    assert methods.count("TreeNet, M = 3") == 1
    below = methods.rstrip().splitlines()[-1]
    assert below.startswith("Not run: Deterministic; One member, R = 2; MIMO, ")
    members = rest.partition("### Members\n")[2].partition("### ")[0]
    assert "MIMO, M = 2" in members and "Not run" not in members


@pytest.mark.parametrize("name", ["fashion_mnist", "fashion_small_cnn"])
def test_the_documents_tables_are_those_of_the_record(name):
    record = records.read(ROOT / "results" / f"{name}.json")
    text = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert fashion_tables.tables(record) in text
    assert record["command"] in text


def test_the_readme_has_rows_of_the_summary():
    record = records.read(ROOT / "results" / "fashion_mnist.json")
    tables = fashion_tables.tables(record).splitlines()
    header, rule, *rows = (x for x in tables[2:] if x.startswith("|"))
    rows = rows[: rows.index(next(x for x in rows if "base_learning" in x))]
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    start = lines.index(header)
    assert lines[start + 1] == rule
    told = list(itertools.takewhile(bool, lines[start + 2 :]))
    assert len(told) >= 5 and set(told) <= set(rows)


def test_figures_are_drawn_of_what_is_there(made, tmp_path, capsys):
    _study(tmp_path, "--parts=main", "--seeds=0", f"--figures={tmp_path}")
    assert (tmp_path / "record_severity.png").stat().st_size > 10_000
    assert not (tmp_path / "record_widths.png").exists()
    said = capsys.readouterr().out
    assert said.count("Figure: ") == 1
