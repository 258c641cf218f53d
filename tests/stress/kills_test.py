"""The record of the signals, its tables, and how moments are drawn."""

import collections
import json
import os
import pathlib
import random
import signal
import sys
import time
import types

import pytest

from tests.stress import kills, struck, watched
from uncertainty_runs.evaluation.cache import Evaluated

ROOT = pathlib.Path(__file__).resolve().parents[2]
NONE = {"sent": {}, "harm": dict.fromkeys(struck.HARM, 0)}
RECORD = {
    "methods": {
        name: {
            "signals": {
                **dict.fromkeys(struck.SIGNALS, NONE),
                "SIGKILL": {
                    "sent": {"training": count, "export": 1},
                    "harm": {**NONE["harm"], "broken": 1},
                },
                "SIGHUP": {
                    "sent": {"start": 2},
                    "harm": {**NONE["harm"], "status": count},
                },
            },
            "resumed": count,
            "ended": 2,
            "differing": 1,
        }
        for name, count in (("mimo", 3), ("treenet", 4))
    }
}


def cells(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
    ]


def test_the_tables_add_up():
    by_signal, by_method = kills.table(RECORD).split("\n\n")
    header, _, *found = cells(by_signal)
    assert header[1:7] == list(watched.ALL)
    assert found == [
        ["SIGKILL", *"070020", "9", *"0020"],
        ["SIGINT", *"000000", "0", *"0000"],
        ["SIGTERM", *"000000", "0", *"0000"],
        ["SIGHUP", *"400000", "4", *"7000"],
        ["all", *"470020", "13", *"7020"],
    ]
    header, _, *found = cells(by_method)
    assert header[1:5] == list(struck.SIGNALS)
    assert found == [
        ["`mimo`", *"4002", "6", *"321"],
        ["`treenet`", *"5002", "7", *"421"],
        ["all", *"9004", "13", *"742"],
    ]


def test_no_run_of_the_record_was_harmed_and_all_methods_were_tried():
    record = json.loads((ROOT / "results/stress_kills.json").read_text())
    assert record["faults"] == 0
    assert {*record["methods"]} == {*kills.METHODS}
    for found in record["methods"].values():
        assert found["ended"]
        assert all(one["sent"] for one in found["signals"].values())


def test_a_run_can_get_a_signal_at_every_set_that_it_evaluates():
    """By each method of `Evaluated` that evaluates."""
    ways = {name for name in vars(Evaluated) if not name.startswith("_")}
    where = f"{Evaluated.__module__}:{Evaluated.__name__}."
    assert {where + way for way in ways - {"skipped"}} <= {*watched.CALLS}


@pytest.fixture
def method():
    """A method with the events of a complete run without signals."""
    found = object.__new__(kills.Method)
    found.draw = random.Random(0)
    found.sent = collections.Counter()
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


def test_the_phase_with_the_fewest_signals_is_aimed_at(method):
    for name, phase in zip(
        struck.SIGNALS, ("training", "evaluation", "export"), strict=False
    ):
        method.sent[name, phase] = 1
    aims = [method._aim(signal.SIGINT) for _ in range(20)]
    assert {aim.phase for aim in aims} == {"checkpointing"}
    assert {aim.call for aim in aims} == {1}
    assert {aim.name for aim in aims} == {"os.replace", list(watched.PHASES)[1]}
    assert {aim.number for aim in aims} == {signal.SIGINT}


def test_every_signal_is_sent_as_often_as_the_others(method):
    for name in ("SIGKILL", "SIGINT", "SIGHUP"):
        method.sent[name, "start"] = 2
    method.sent["SIGTERM", "start"] = method.sent["SIGTERM", "export"] = 1
    assert method._rarest(0, struck.SIGNALS) == list(struck.SIGNALS)
    method.sent["SIGTERM", "export"] = 0
    assert method._rarest(0, struck.SIGNALS) == ["SIGTERM"]


def test_a_run_that_goes_on_has_less_to_live(method, tmp_path):
    method.folder = tmp_path
    assert method._life() == 10.0
    checkpoints = tmp_path / "run" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "epoch_000001.npz").touch()
    assert method._life() == 7.0


@pytest.fixture
def toy(monkeypatch):
    """A module whose `outer`, a phase, calls `inner` three times."""
    module = types.ModuleType("toy")
    module.inner = lambda: None
    module.outer = lambda: [module.inner() for _ in range(3)]
    monkeypatch.setitem(sys.modules, "toy", module)
    monkeypatch.setattr(watched, "PHASES", {"toy:outer": "training"})
    monkeypatch.setattr(watched, "CALLS", ("toy:inner",))
    return module


@pytest.fixture
def killed(monkeypatch):
    """The signals that this process would get; here they are only noted."""
    found = []
    monkeypatch.setattr(
        watched.os, "kill", lambda pid, number: found.append((pid, number))
    )
    return found


def recorded(path):
    return [(e.phase, e.name) for e in watched.events(path)]


def test_a_process_records_its_calls_and_gets_a_signal(tmp_path, toy, killed):
    aim = watched.Aim("training", "toy:inner", call=2, number=signal.SIGHUP)
    watched.watch(tmp_path / "noted", aim)
    toy.outer()
    toy.inner()
    assert killed == [(os.getpid(), signal.SIGHUP)]
    assert recorded(tmp_path / "noted") == [
        ("start", "begin"),
        ("training", "toy:outer"),
        *[("training", "toy:inner")] * 2,
        ("training", "signal"),
        ("training", "toy:inner"),
        ("outcome", "end"),
        ("outcome", "toy:inner"),
    ]


def test_a_later_signal_is_recorded_in_its_own_phase(tmp_path, toy, killed):
    aim = watched.Aim("training", "toy:inner", seconds=0.05)
    watched.watch(tmp_path / "noted", aim)
    toy.outer()
    assert not killed
    while not killed:
        time.sleep(0.01)
    assert killed == [(os.getpid(), signal.SIGKILL)]
    assert recorded(tmp_path / "noted")[-1] == ("outcome", "signal")


def test_a_signal_from_outside_is_recorded(tmp_path, toy, killed):
    watched.watch(tmp_path / "noted", watched.Aim())
    toy.outer()
    watched.send(tmp_path / "noted", 123, signal.SIGINT)
    assert killed == [(123, signal.SIGINT)]
    assert recorded(tmp_path / "noted")[-1] == ("outcome", "signal")


def test_signals_that_a_shell_ignores_are_heeded_again():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {n: signal.signal(n, signal.SIG_IGN) for n in numbers}
    try:
        watched.heed()
        found = [signal.getsignal(number) for number in numbers]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert found == [signal.default_int_handler, *[signal.SIG_DFL] * 2]
