"""The record of the kills, its table, and how moments are drawn."""

import json
import pathlib
import random
import sys
import types

import pytest

from tests.stress import kills, watched
from uncertainty_runs.evaluation.cache import Evaluated

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = {
    "methods": {
        name: {
            "kills": {"training": count, "export": 1},
            "resumed": count,
            "ended": 2,
            "differing": 0,
        }
        for name, count in (("mimo", 3), ("treenet", 4))
    }
}


def cells(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
    ]


def test_the_table_adds_up():
    header, _, mimo, treenet, total = cells(kills.table(RECORD))
    assert header[1:7] == list(watched.ALL)
    assert mimo == ["`mimo`", *"030010", "4", "3", "2", "0"]
    assert treenet == ["`treenet`", *"040010", "5", "4", "2", "0"]
    assert total == ["all", *"070020", "9", "7", "4", "0"]


def test_no_run_of_the_record_differs_and_every_phase_was_hit():
    record = json.loads((ROOT / "results/stress_kills.json").read_text())
    assert record["kills"] >= 50
    assert record["faults"] == 0
    for found in record["methods"].values():
        assert min(found["kills"][phase] for phase in kills.AIMED_AT) > 0


def test_a_run_can_be_killed_at_every_set_that_it_evaluates():
    """By each method of `Evaluated` that evaluates."""
    ways = {name for name in vars(Evaluated) if not name.startswith("_")}
    where = f"{Evaluated.__module__}:{Evaluated.__name__}."
    assert {where + way for way in ways - {"skipped"}} <= {*watched.CALLS}


@pytest.fixture
def method():
    """A method with the events of a complete run that was never killed."""
    found = object.__new__(kills.Method)
    found.draw = random.Random(0)
    found.kills = dict.fromkeys(watched.ALL, 0)
    save, replace = list(watched.PHASES)[1], "os.replace"
    found.noted = [
        watched.Event(0.0, "start", "begin"),
        watched.Event(2.0, "training", "step"),
        watched.Event(3.0, "checkpointing", save),
        watched.Event(4.0, "checkpointing", replace),
        watched.Event(5.0, "training", "end"),
        watched.Event(9.0, "evaluation", "set"),
        watched.Event(10.0, "export", "os.rename"),
    ]
    return found


def test_the_phase_with_the_fewest_kills_is_aimed_at(method):
    method.kills |= {"training": 1, "evaluation": 1, "export": 1}
    aims = [method._aim() for _ in range(20)]
    assert {aim.phase for aim in aims} == {"checkpointing"}
    assert {aim.call for aim in aims} == {1}
    assert {aim.name for aim in aims} == {"os.replace", list(watched.PHASES)[1]}


def test_a_run_that_goes_on_has_less_to_live(method, tmp_path):
    method.folder = tmp_path
    assert method._life() == 10.0
    checkpoints = tmp_path / "run" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "epoch_000001.npz").touch()
    assert method._life() == 7.0


def test_a_process_records_its_calls_and_dies_at_the_aim(tmp_path, monkeypatch):
    """Here the kill is only recorded."""
    module = types.ModuleType("toy")
    module.inner = lambda: None
    module.outer = lambda: [module.inner() for _ in range(3)]
    died = []
    monkeypatch.setitem(sys.modules, "toy", module)
    monkeypatch.setattr(watched, "PHASES", {"toy:outer": "training"})
    monkeypatch.setattr(watched, "CALLS", ("toy:inner",))
    monkeypatch.setattr(watched, "_die", lambda seconds: died.append(seconds))
    aim = watched.Aim("training", "toy:inner", call=2, seconds=0.25)
    watched.watch(tmp_path / "noted", aim)
    module.outer()
    module.inner()
    assert died == [0.25]
    found = [(e.phase, e.name) for e in watched.events(tmp_path / "noted")]
    assert found == [
        ("start", "begin"),
        ("training", "toy:outer"),
        *[("training", "toy:inner")] * 3,
        ("outcome", "end"),
        ("outcome", "toy:inner"),
    ]
