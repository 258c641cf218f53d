import pathlib

import keras

from uncertainty_runs import cost

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_has_the_costs_of_the_networks_as_built(monkeypatch):
    # Costs are of shapes; to draw 800 million weights takes a minute.
    monkeypatch.setattr(
        keras.initializers.VarianceScaling,
        "__call__",
        lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype),
    )
    table = cost.table("wide_resnet_28_10", cost.ENTRIES.split(","), 10, 32)
    assert table in README.read_text("utf-8")


def test_the_papers_figures_stand_beside_ours():
    table = cost.paper_table("mimmo")
    assert table in (README.parent / "docs/mimmo.md").read_text("utf-8")
    header, _, *rows = table.splitlines()
    cells = [[c.strip() for c in row.split("|")[1:-1]] for row in rows]
    found = {(row[0].strip("`"), int(row[1])): row[2:] for row in cells}
    assert set(found) == set(cost.PAPERS["mimmo"]["figures"])
    assert found["deterministic", 1] == [
        *("1,756,340", "1.76 M", "-0.004 M"),
        *("109.66", "109.85", "-0.17%"),
    ]
    # Ten samples are ten passes.
    assert found["mc_dropout", 1][3] == "1096.64"
    for entry in (("deterministic", 1), ("dun", 1), ("mimo", 2), ("mimmo", 4)):
        assert abs(float(found[entry][-1].rstrip("%"))) < 0.5
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


def test_mixture_ensembles_are_counted_in_networks():
    rows = cost.paper_table("mixture_ensembles").splitlines()[2:]
    cells = [[c.strip() for c in row.split("|")[1:-1]] for row in rows]
    assert [row[5] for row in cells] == [
        *("1.000", "4.000", "1.000", "4.000", "4.000")
    ]
    for row in cells:
        params, paper = int(row[2].replace(",", "")), float(row[3].split()[0])
        assert abs(params / 1e6 / paper - 1) < 0.01
