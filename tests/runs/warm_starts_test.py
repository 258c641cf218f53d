"""The study of warm starts: what it runs, and its table."""

import pathlib
import types

import pytest

from mimo_keras.errors import InputError
from tests.runs import in_process
from uncertainty_runs.studies import engine, records, warm_starts

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = {"dataset": "digits", "epochs": 20, "rate": 0.03, "output_dir": "out"}
FLAGS |= {"trunk_rates": []}


@pytest.fixture
def jobs(monkeypatch):
    monkeypatch.setattr(engine, "machine_flags", list)
    methods = [engine.parse("mimo:3"), engine.parse("batch_ensemble:4")]
    found = warm_starts.jobs(types.SimpleNamespace(**FLAGS), methods, "1")
    return {
        (point.method, more["method"].partition(":")[2]): point.flags("out", 1)
        for point, _, more in found
    }


def test_totals_of_epochs_are_equal_and_a_start_is_the_base(jobs):
    assert list(jobs) == [
        ("deterministic", "base"),
        ("deterministic", "scratch"),
        ("mimo", "scratch"),
        ("mimo", "warm"),
        ("batch_ensemble", "scratch"),
        ("batch_ensemble", "warm"),
    ]
    given = {
        key: dict(flag[2:].partition("=")[::2] for flag in line)
        for key, line in jobs.items()
    }
    epochs = {"base": "20", "scratch": "22", "warm": "2"}
    for (_, kind), values in given.items():
        assert values["train_epochs"] == epochs[kind]
        assert values["seed"] == "1"
        assert ("base_learning_rate" in values) == (kind == "warm")
    base = given["deterministic", "base"]["output_dir"]
    starts = {given[m, "warm"]["init_from"] for m in ("mimo", "batch_ensemble")}
    assert starts == {base}
    assert len({values["output_dir"] for values in given.values()}) == 6


def test_the_runs_are_commands_that_can_be_parsed(jobs, parse):
    from uncertainty_runs.common import config

    for line in jobs.values():
        parse(*line)
        assert config.resolve().corruptions_interval == -1


def test_rates_with_a_frozen_trunk_are_rows_of_their_own(monkeypatch):
    monkeypatch.setattr(engine, "machine_flags", list)
    f = types.SimpleNamespace(**FLAGS | {"trunk_rates": ["0.1", "0.4"]})
    found = warm_starts.jobs(f, [engine.parse("mimo:3")], "1")
    labels = [more["method"] for *_, more in found]
    rows = ["deterministic:base", "mimo:trunk:0.1", "mimo:trunk:0.4"]
    assert labels == rows
    for (point, *_), rate in zip(found[1:], f.trunk_rates, strict=True):
        options = ("freeze=trunk", f"base_learning_rate={rate}")
        assert {"train_epochs=2", *options} < {*point.options}
    keys = dict.fromkeys([*warm_starts.COLUMNS.values()], 0.5)
    runs = [{"method": n, "ensemble_size": 1} | keys for n in rows]
    table = warm_starts.table({"runs": runs, "epochs": 20}).splitlines()
    assert "| 20 as deterministic + 2 at 0.1, trunk frozen |" in table[3]


def test_a_row_is_the_mean_over_seeds():
    def one(method, members, seed, value):
        keys = dict.fromkeys(warm_starts.COLUMNS.values(), value)
        facts = {"method": method, "ensemble_size": members, "seed": seed}
        return facts | keys | {"test/disagreement": None}

    runs = [
        one("deterministic:base", 1, 0, 0.1),
        one("mimo:scratch", 3, 0, 0.2),
        one("mimo:warm", 3, 0, 0.3),
        one("mimo:warm", 3, 1, 0.5),
    ]
    lines = warm_starts.table({"runs": runs, "epochs": 20}).splitlines()
    rows = [[c.strip() for c in x.split("|")[1:-1]] for x in lines]
    assert rows[0] == [
        *("Method", "M", "Epochs", "Seeds"),
        *warm_starts.COLUMNS,
    ]
    assert [row[:5] for row in rows[2:]] == [
        ["deterministic", "1", "20", "1", "0.1000"],
        ["mimo", "3", "22 from scratch", "1", "0.2000"],
        ["mimo", "3", "20 as deterministic + 2", "2", "0.4000 ± 0.1414"],
    ]
    assert rows[2][-1] == "-"


@pytest.mark.parametrize("methods", ["", "mimo:3:l2=0"])
def test_methods_are_names_and_members(methods, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="methods as method:M"):
        in_process.main(warm_starts, f"--methods={methods}")
    assert not [*pathlib.Path().iterdir()]


@pytest.mark.parametrize("name", ["warm_starts", "trunk_rates"])
def test_the_documents_have_the_table_of_the_recorded_runs(name):
    record = records.read(ROOT / f"results/{name}.json")
    told = (ROOT / "docs/fine_tuning.md").read_text("utf-8")
    assert warm_starts.table(record) in told
    assert record["command"] in told
