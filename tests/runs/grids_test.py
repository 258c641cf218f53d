"""The papers' figures that are grids: what varies, and what is fixed."""

from uncertainty_runs.reported import FIGURES
from uncertainty_runs.studies import sweep


def test_figures_of_mimo_regularize_and_are_drawn_as_in_the_paper():
    """Boxes over 12 settings for each R; norms and ends on their own."""
    boxes = FIGURES["mimo6"].grids[1]
    for dataset, count in ((None, 5), ("digits", 2)):
        panel = boxes.on(dataset)
        assert panel.boxes and not FIGURES["mimo6"].grids[0].boxes
        found = sweep.grid(panel.vary)
        assert len(found) == 12 * count
        repeated = [one["batch_repetitions"] for one in found]
        assert {repeated.count(r) for r in repeated} == {12}
    for name, other, against in (
        ("mimo7", "l2", None),
        ("mimo8", "l1", None),
        ("mimo9", "l2", "weights/kept"),
    ):
        for panel in FIGURES[name].grids:
            for dataset in (None, "digits"):
                grid = panel.on(dataset)
                [(point, _, varied), *_] = sweep.jobs(
                    grid.dataset, grid.base, grid.vary, ["0"]
                )
                values = point.settings()
                assert values[other] == 0 and values["scale_ends"]
                assert values["norm_l2"] == 3e-4
                assert [*varied["varied"]] == [
                    {"l1": "l2", "l2": "l1"}[other],
                    "ensemble_size",
                ]
                assert grid.against == against
