"""The document on the stress tests shows their records."""

import json
import pathlib

import pytest

from mimo_keras.files import write_json
from tests.stress import attacks, document, flags, kills, serving, struck

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLES = {
    "attacks": attacks.table,
    "kills": kills.table,
    "flags": flags.table,
    "serving": serving.table,
}


def test_a_text_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "a.md"
    begin, end = document.marks("kills")
    path.write_text(f"Words.\n\n{begin}\nold\n{end}\n\nMore.\n")
    document.put("kills", "new", path)
    document.put("kills", "newer", path)
    assert path.read_text() == (f"Words.\n\n{begin}\nnewer\n{end}\n\nMore.\n")


@pytest.mark.parametrize("name", TABLES)
def test_the_document_has_the_tables_and_commands_of_the_records(name):
    record = json.loads((ROOT / f"results/stress_{name}.json").read_text())
    text = (ROOT / "docs" / "stress.md").read_text("utf-8")
    begin, end = document.marks(name)
    assert f"{begin}\n{TABLES[name](record)}\n{end}" in text
    assert record["command"] in text


def test_the_table_of_kills_is_that_of_its_file(tmp_path):
    none = {"sent": {}, "harm": dict.fromkeys(struck.HARM, 0)}
    one = {
        "signals": dict.fromkeys(struck.SIGNALS, none),
        **dict.fromkeys(("resumed", "ended", "differing"), 0),
    }
    record = {"methods": {"mimo": one, "batch_ensemble": one}}
    write_json(tmp_path / "a.json", record)
    again = json.loads((tmp_path / "a.json").read_text())
    assert kills.table(record) == kills.table(again)


def test_the_table_of_flags_adds_up():
    record = {
        "scripts": {
            "cifar": {"ran": 3, "refused": 4},
            "cost": {"ran": 1, "refused": 1, "traceback": 2},
        }
    }
    found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in flags.table(record).splitlines()[2:]
    ]
    assert found == [
        ["`cifar.py`", "7", "3", "4", "0"],
        ["`cost.py`", "4", "1", "1", "2"],
        ["all", "11", "4", "5", "2"],
    ]


def test_what_the_document_claims_of_flags_and_serving():
    def read(name):
        return json.loads((ROOT / f"results/stress_{name}.json").read_text())

    found = read("flags")
    assert found["sets"] == found["ran"] + found["refused"] >= 120
    assert {*found["scripts"]} == {*flags.SCRIPTS}
    assert not found["failures"]
    assert min(found["ran"], found["refused"]) > 25
    attacked = read("attacks")
    assert not attacked["failures"]
    assert attacked["trials"] >= 100
    assert attacked["flips"] >= 1000
    served = read("serving")
    assert not serving.faults(served)
    assert served["calls"] >= 10_000
