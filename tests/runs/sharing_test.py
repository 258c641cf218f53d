"""The study of shared features: its table, and the document's."""

import pathlib

import pytest

from uncertainty_runs.studies import records, sharing, study

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(entry, seed, accuracy, members, rate):
    method, count, *options = entry.split(":")
    return {
        "method": ":".join([method, *options]),
        "ensemble_size": int(count),
        "seed": seed,
        "test/accuracy": accuracy,
        **dict(zip(sharing.MEMBERS, members, strict=True)),
        "test/disagreement": 0.25,
        "sharing/heads": rate,
        "sharing/encoders": 1.0,
    }


def test_rows_have_the_papers_names_and_percentages():
    first, second, *_ = sharing.entries()
    record = {
        "runs": [
            run(first, 0, 0.9, (0.8, 0.6), 0.5),
            run(second, 0, 0.5, (0.5, 0.5), 0.25),
            run(first, 1, 0.8, (0.7, 0.7), 0.5),
        ]
    }
    header, _, mimo, mixmo = sharing.table(record).splitlines()
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (header, mimo, mixmo)
    ]
    assert cells[0] == ["Method", *sharing.COLUMNS]
    assert cells[1] == [
        *("MIMO", "85.0 ± 7.1", "70.0 ± 0.0", "50.0 ± 0.0"),
        *("100.0 ± 0.0", "25.0 ± 0.0"),
    ]
    assert cells[2] == ["MixMo", "50.0", "50.0", "25.0", "100.0", "25.0"]


def test_the_document_has_the_table_of_the_recorded_runs():
    record = records.read(ROOT / "results/sharing.json")
    seeds = {run["seed"] for run in record["runs"]}
    assert len(seeds) >= 3
    document = (ROOT / "docs/digits.md").read_text("utf-8")
    assert sharing.table(record) in document
    assert record["command"] in document


def test_unmixing_shares_and_mimo_does_not():
    """The recorded digits runs support table 1, seed by seed."""
    record = records.read(ROOT / "results/sharing.json")
    rates = {}
    for (label, _), runs in study.groups(record).items():
        rates[label.rpartition(":")[0]] = study.values(runs, "sharing/heads")
    mimo, *_, aligned, _, _ = rates.values()
    assert min(aligned) > max(mimo) + 0.2


@pytest.mark.parametrize("entry", sharing.entries())
def test_every_row_is_a_command_that_can_be_parsed(entry, resolve):
    values = resolve(entry)
    assert values.backbone == "wide_resnet_10_1"
    assert values.batch_repetitions == 2
    rows = values.per_core_batch_size or values.batch_size
    assert rows == 64
