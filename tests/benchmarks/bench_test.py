"""The benchmark's bookkeeping, a real contestant, and what is recorded."""

import json
import pathlib
import types

import numpy as np
import pytest

from benchmarks import bench, contestants, fitting
from benchmarks.worker import Worker
from mimo_keras import methods
from mimo_keras.errors import InputError
from uncertainty_runs.studies import records

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDS = [
    ROOT / "results" / name
    for name in ("bench.json", "bench_apart.json", "bench_fit.json")
]


def test_an_entry_is_a_spec():
    assert bench.spec("mimo:3", "wide_resnet_28_10") == {
        "method": "mimo",
        "ensemble_size": 3,
        "backbone": "wide_resnet_28_10",
        "options": {"batch_repetitions": 4},
    }
    assert bench.spec("mimo:3:unfolded", "b")["folded"] is False
    forms = [bench.spec(entry, "b").get("apart") for entry in bench.APART]
    assert forms == [False, True, None]
    thin = bench.spec("mixture_ensemble:4:wide_resnet_28_5", "b")
    assert (thin["backbone"], thin["options"]) == ("wide_resnet_28_5", {})


def test_every_method_is_timed():
    timed = {entry.split(":")[0] for entry in bench.MEMBERS}
    assert timed == set(methods.list_methods())
    for name in timed:
        repeated = "batch_repetitions" in methods.options(name)
        assert repeated == (name in bench.REPEATED), name


def test_rows_are_kept(tmp_path):
    path = tmp_path / "bench.json"
    bench.Record(path, {"machine": "a"}).add("step", "x", {"ratio": 1})
    again = bench.Record(path, {"machine": "a"})
    assert again.has("step", "x")
    assert not again.has("step", "y")
    assert not again.has("inference", "x")
    again.add("step", "y", {"ratio": 2})
    rows = json.loads(path.read_text())["rows"]["step"]
    assert [(row["name"], row["ratio"]) for row in rows] == [("x", 1), ("y", 2)]
    with pytest.raises(InputError, match="another --record"):
        bench.Record(path, {"machine": "b"})
    path.write_text('{"runs": []}')
    with pytest.raises(InputError, match="another file"):
        bench.Record(path, {"machine": "a"})


class Idle:
    """A fake worker: every call takes a second."""

    started = []

    def __init__(self, spec):
        self.started.append(spec["method"])
        self.counted = 100 * spec["ensemble_size"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def seconds(self, what, rows):
        return (0.25 if what == "formation" else 1.0), 1.0

    def peak(self):
        return 5

    def facts(self):
        return {"parameters": 7, "multiply_adds": self.counted}


def test_contestants_meet_one_yardstick_in_what_is_not_yet_known(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(bench, "Worker", Idle)
    monkeypatch.setattr(bench, "TOGETHER", 3)
    monkeypatch.setattr(Idle, "started", [])
    f = types.SimpleNamespace(
        methods=["treenet", "mimo:2", "dun", "batch_ensemble"],
        **{"backbone": "b", "turns": 2, "seconds": 0, "rows": 16},
    )
    record = bench.Record(tmp_path / "bench.json", {})
    record.add("step", "dun:1", {"ratio": 1})
    bench.step(f, record)
    rows = {row["name"]: row for row in record.content["rows"]["step"]}
    assert [*rows] == ["dun:1", "mimo:2", "treenet:3", "batch_ensemble:4"]
    assert rows["mimo:2"]["formation_share"] == 0.25
    assert "formation_share" not in rows["treenet:3"]
    assert rows["treenet:3"]["facts"]["parameters"] == 7
    # Three at a time, and a yardstick for each such group.
    groups = ["deterministic", "mimo", "treenet"]
    assert Idle.started == [*groups, "deterministic", "batch_ensemble"]
    bench.step(f, record)
    assert len(Idle.started) == 5


def test_members_apart_meet_a_yardstick_of_their_width(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "Worker", Idle)
    monkeypatch.setattr(Idle, "started", [])
    values = {"backbone": "b", "turns": 2, "seconds": 0, "batches": ["32"]}
    record = bench.Record(tmp_path / "bench.json", {})
    bench.apart(types.SimpleNamespace(**values), record)
    assert [row["name"] for row in record.content["rows"]["apart"]] == [
        f"{entry}:{backbone}, batch 32"
        for backbone in ("b", bench.HALF)
        for entry in bench.APART
    ]
    assert Idle.started == ["deterministic", *["batch_ensemble"] * 3] * 2


def test_predictions_have_their_multiply_adds_beside_their_time(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(bench, "Worker", Idle)
    f = types.SimpleNamespace(
        methods=["treenet:3"],
        **{"backbone": "b", "turns": 2, "seconds": 0, "batches": ["1", "32"]},
    )
    record = bench.Record(tmp_path / "bench.json", {})
    bench.inference(f, record)
    first, second = record.content["rows"]["inference"]
    assert (first["name"], second["name"]) == (
        *("treenet:3, batch 1", "treenet:3, batch 32"),
    )
    assert first["multiply_adds_ratio"] == second["multiply_adds_ratio"] == 3


def test_tables_by_hand():
    rows = [
        {"name": "mimo:3", "ratio": 1.0042, "range": [0.99, 1.02], "turns": 5},
        {"name": "dun:1", "ratio": 1.03, "peak": 1234.4, "parameters": 7},
    ]
    header, _, first, second = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in bench.table("step", rows).splitlines()
    )
    assert header == [
        *("Training step", "Ratio", "Range", "Turns", "Peak memory [MiB]")
    ]
    assert first == ["mimo:3", "1.004", "0.990 to 1.020", "5", "-"]
    assert second == ["dun:1", "1.030", "-", "-", "1,234"]


@pytest.mark.large
def test_a_contestant_works_and_is_timed():
    spec = bench.spec("mimo:2", "mlp_8") | {"options": {"batch_repetitions": 2}}
    with Worker(spec) as worker:
        assert worker.facts()["backend"] == "tensorflow"
        for what in ("inference", "step", "formation"):
            seconds, processor = worker.seconds(what, 4)
            assert 0 < seconds < 60
            assert 0 < processor < 60
        assert 100 < worker.peak() < 10_000
        # A hidden layer of 8 over 32x32 images, and two members' heads.
        assert worker.facts()["multiply_adds"] == 3072 * 8 + 8 * 2 * 10


def test_fit_and_its_bare_steps_are_of_one_network(monkeypatch):
    monkeypatch.setattr(fitting, "EXAMPLES", 300)
    monkeypatch.setattr(fitting, "BACKBONE", "mlp_2")
    actions, _ = fitting.contestant(fitting.FITS["mimo:3"])
    history = actions["fit"](2)().history
    assert len(history["loss"]) == 1
    logs = actions["bare"](2)()
    assert np.isfinite(logs["loss"]) and {*logs} == {*history}
    assert len(actions["input"](2)()) == 2


def test_one_that_fails_says_why():
    with (
        Worker({"library": "no_such_library"}) as worker,
        pytest.raises(RuntimeError, match="KeyError: 'no_such_library'"),
    ):
        worker.facts()


@pytest.mark.parametrize(("method", "rows"), [("mimo", 8), ("treenet", 32)])
def test_all_steps_have_as_many_rows_in_the_forward_pass(method, rows):
    spec = bench.spec(f"{method}:2", "small_cnn_1")
    actions, _ = contestants.contestant(spec)
    step = actions["step"](32)
    images, labels = (cell.cell_contents for cell in step.__closure__[:2])
    assert len(images) == len(labels) == rows


@pytest.mark.parametrize("path", RECORDS)
def test_the_documents_tables_are_those_of_the_records(path):
    text = (ROOT / "docs" / "speed.md").read_text("utf-8")
    record = records.read(path)
    for section, rows in record["rows"].items():
        assert bench.table(section, rows) in text
    for command in record["commands"]:
        assert command in text
