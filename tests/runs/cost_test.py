import pathlib

import keras
import pytest

from uncertainty_runs import cost

COSTS = pathlib.Path(__file__).resolve().parents[2] / "docs/costs.md"
MIMMO = cost.PAPERS["mimmo"]["figures"]
# A network with several depths, one with several passes, and the baseline;
# tests/methods checks the parameters of every method.
SOME_MIMMO = (
    ("deterministic", 1),
    ("mc_dropout", 1),
    ("dun", 1),
    ("mimmo", 4),
)
large = pytest.mark.large


def rows(text):
    """Returns the cells of each line of the tables in a text."""
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]


@pytest.fixture
def weightless(monkeypatch):
    """Costs depend on shapes; drawing 800 million weights takes a minute."""
    monkeypatch.setattr(
        keras.initializers.VarianceScaling,
        "__call__",
        lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype),
    )


@pytest.mark.usefixtures("weightless")
def test_the_document_has_the_costs_of_some_networks_as_built():
    entries = ["deterministic:1", "mimo:3", "mixture_ensemble:4"]
    assert {*entries} < {*cost.ENTRIES.split(",")}
    table = cost.table("wide_resnet_28_10", entries, 10, 32)
    told = rows(COSTS.read_text("utf-8"))
    header, _, *found = rows(table)
    assert header in told and all(row in told for row in found)
    assert [row[:2] for row in found] == [
        [f"`{method}`", members]
        for method, members in (entry.split(":") for entry in entries)
    ]


@pytest.mark.matrix
@pytest.mark.usefixtures("weightless")
def test_the_document_has_the_costs_of_the_networks_as_built():
    table = cost.table("wide_resnet_28_10", cost.ENTRIES.split(","), 10, 32)
    assert table in COSTS.read_text("utf-8")


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(SOME_MIMMO, id="some"),
        pytest.param(tuple(MIMMO), id="all", marks=large),
    ],
)
def test_the_papers_figures_stand_beside_ours(monkeypatch, entries):
    figures = {entry: MIMMO[entry] for entry in entries}
    monkeypatch.setitem(cost.PAPERS["mimmo"], "figures", figures)
    table = cost.paper_table("mimmo")
    text = (COSTS.parent / "mimmo.md").read_text("utf-8")
    header, _, *cells = rows(table)
    told = rows(text)
    assert header in told and all(row in told for row in cells)
    found = {(row[0].strip("`"), int(row[1])): row[2:] for row in cells}
    assert set(found) == set(entries)
    if figures == MIMMO:
        assert table in text
    assert found["deterministic", 1] == [
        *("1,756,340", "1.76 M", "-0.004 M"),
        *("109.85", "109.85", "+0.00%"),
    ]
    # Ten samples are ten passes.
    assert found["mc_dropout", 1][3] == "1104.58"
    assert {row[-1].lstrip("+-") for row in found.values()} == {"0.00%"}
    assert header.count("paper") == 2


def test_a_small_network_by_hand():
    header, _, row = cost.table("mlp_4", ["mimo:2"], 3, 8).splitlines()
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    # Two images of 192 numbers into 4 units, 4 into two heads of 3.
    parameters = 2 * 192 * 4 + 4 + 4 * 6 + 6
    training = 2 * (2 * 192 * 4 + 4 * 6)
    folded = 2 * (192 * 4 + 4 * 6)
    assert cells == [
        "`mimo`",
        "2",
        f"{parameters:,}",
        f"{training:,}",
        f"{folded:,}",
        "1.000000",
    ]


MIXTURES = cost.PAPERS["mixture_ensembles"]["figures"]


@pytest.mark.usefixtures("weightless")
@pytest.mark.parametrize(
    "entries",
    [
        [("deterministic", 1), ("mixture_ensemble", 4)],
        pytest.param(list(MIXTURES), id="all", marks=large),
    ],
)
def test_mixture_ensembles_are_counted_in_networks(monkeypatch, entries):
    figures = {entry: MIXTURES[entry] for entry in entries}
    monkeypatch.setitem(cost.PAPERS["mixture_ensembles"], "figures", figures)
    cells = rows(cost.paper_table("mixture_ensembles"))[2:]
    ratios = {"deterministic": "1.000", "mimo": "1.000"}
    for row, (method, members) in zip(cells, entries, strict=True):
        assert row[:2] == [f"`{method}`", str(members)]
        assert row[5] == ratios.get(method, "4.000")
        params, paper = int(row[2].replace(",", "")), float(row[3].split()[0])
        assert abs(params / 1e6 / paper - 1) < 0.01
