"""The study of MIMMO's table 1: its tables, and the documentation's."""

import pathlib

import pytest

from uncertainty_runs.studies import depths, records, study, sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(entry, seed, value):
    method, count, *options = entry.split(":")
    return {
        "method": ":".join([method, *options]),
        "ensemble_size": int(count),
        "seed": seed,
        "cost/params": 1_756_340,
        "cost/flops": 10,
        **{f"test/{metric}": value for metric in depths.METRICS},
        **{f"shifted/{metric}": value / 2 for metric in depths.METRICS},
        **{f"shifted/{metric}_std": value / 4 for metric in depths.METRICS},
    }


def test_clean_is_over_seeds_and_shifted_over_sets():
    first, *_, last = depths.entries()
    runs = [run(first, 0, 0.5), run(last, 0, 0.25), run(first, 1, 0.7)]
    clean, _, shifted = depths.table({"runs": runs}).partition("\n\n")
    rows = [
        [[c.strip() for c in line.split("|")[1:-1]] for line in text]
        for text in (clean.splitlines(), shifted.splitlines())
    ]
    assert rows[0][0] == [
        "Method (clean, 2 seeds)",
        *depths.COLUMNS,
        "Params [M]",
        "FLOPs",
    ]
    # The mean of 0.5 and 0.7, and their standard deviation 0.2 / √2.
    same = "0.6000 ± 0.1414"
    brier = "600.0000 ± 141.4214"
    assert rows[0][2] == ["Base", same, same, same, brier, "1.76", "1.000"]
    assert rows[0][3][:2] == ["MIMMO", "0.2500"]
    # The means of 0.25 and 0.35, and of 0.125 and 0.175.
    assert rows[1][2][1:5] == [*["0.300 ± 0.150"] * 3, "300.000 ± 150.000"]


def test_the_ten_methods_of_the_table():
    assert [label for label in depths.ROWS] == [
        *("Base", "Ensemble", "MC Dropout", "DUN", "EE"),
        *("MIMO", "DataMux", "MixMo", "MIMMO γ", "MIMMO"),
    ]


@pytest.mark.parametrize("entry", depths.entries())
def test_every_row_is_a_command_that_can_be_parsed(entry, resolve):
    values = resolve(entry)
    assert values.backbone == "bottleneck_resnet"
    assert values.shifted
    told = values.method_options().get("learn_depth", True)
    assert told is ("learn_depth=false" not in entry)


def test_the_documents_have_the_tables_of_the_recorded_runs():
    record = records.read(ROOT / "results/depths.json")
    assert len({run["seed"] for run in record["runs"]}) >= 3
    assert len(study.groups(record)) == len(depths.ROWS)
    told = (ROOT / "docs/mimmo.md").read_text("utf-8")
    for table in depths.table(record).split("\n\n"):
        assert table in told
    assert record["command"] in told
    swept = records.read(ROOT / "results/sweep_alpha.json")
    assert sweep.table(swept) in told
    assert swept["command"] in told
