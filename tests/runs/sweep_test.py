"""The sweep: its grid, its table, and a real one that is resumed."""

import json
import pathlib
import sys

import matplotlib.image
import pytest

from mimo_keras.errors import InputError
from tests.runs import in_process, processes
from uncertainty_runs.common import signals
from uncertainty_runs.studies import records, sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_grid_is_the_product_the_last_flag_fastest():
    assert sweep.grid(["alpha=0,1", "seed=7,8"]) == [
        {"alpha": "0", "seed": "7"},
        {"alpha": "0", "seed": "8"},
        {"alpha": "1", "seed": "7"},
        {"alpha": "1", "seed": "8"},
    ]
    assert sweep.grid([]) == [{}]


def test_flags_that_vary_together_are_one():
    points = sweep.grid(["a+b=1+2,3+4", "c=5"])
    assert [sweep.changes(values) for values in points] == [
        ["a=1", "b=2", "c=5"],
        ["a=3", "b=4", "c=5"],
    ]
    runs = [{"varied": values, "test/accuracy": 0.5} for values in points]
    (curve,) = sweep.curves({"runs": runs}).values()
    assert [point["x"] for point in curve] == [1.0, 3.0]


@pytest.mark.parametrize(
    "varied",
    [["alpha"], ["=1"], ["alpha=1,"], ["a=1", "a=2"], ["a+b=1"], ["a=1+2"]],
)
def test_a_bad_axis_is_one_line(varied):
    with pytest.raises(InputError, match="flag=value,value"):
        sweep.grid(varied)


def test_rows_are_means_over_seeds():
    def run(alpha, nll):
        return {
            "varied": {"alpha": alpha},
            "cost/params": 1234,
            "test/nll": nll,
            "test/accuracy": None,
        }

    record = {"runs": [run("0", 0.2), run("1", 0.5), run("0", 0.4)]}
    header, _, first, second = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in sweep.table(record).splitlines()
    )
    assert header == ["alpha", "Parameters", "NLL"]
    assert first == ["0", "1,234", "0.3000 ± 0.1414"]
    assert second == ["1", "1,234", "0.5000"]


def test_settings_are_chosen_on_the_validation_set():
    """By the mean over seeds of NLL, whatever else there is."""

    def run(l2, nll, **more):
        found = {"val/nll": nll, "cost/params": 1} | more
        return {"varied": {"l2": l2}, **found}

    runs = [run("0", 0.2), run("1", 0.25), run("0", 0.4), run("1", 0.3)]
    assert sweep.chosen({"runs": runs}) == "l2=1"
    (curve,) = sweep.curves(
        {"runs": [run("0", 0.5, **{"val/ece": 0.125})]}
    ).values()
    assert curve[0]["ece"] == (0.125, 0.0) and curve[0]["nll"] == (0.5, 0.0)
    assert sweep.chosen({"runs": runs[:1]}) is None
    tested = {"varied": {"l2": "2"}, "test/nll": 0.1}
    assert sweep.chosen({"runs": [*runs, tested]}) is None


def test_a_sweep_that_was_stopped_goes_on(tmp_path, monkeypatch, capsys):
    started = []

    def run(request, command):
        """Runs cifar.py like `study`, in a process with all imports done."""
        interpreter, script, *given = command
        assert interpreter == sys.executable
        started.append(given)
        return processes.run(given, tmp_path, processes.few, script).status

    def swept(*values):
        line = [
            "--base=deterministic:1:backbone=mlp_4:corruptions_interval=-1",
            f"--vary=train_epochs={','.join(values)}",
            *("--seeds=0", "--output_dir=runs", "--record=record.json"),
        ]
        in_process.main(sweep, *line)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.Request, "run", run)
    swept("1")
    [one] = (tmp_path / "runs").iterdir()
    made = (one / "metrics.csv").stat().st_mtime_ns
    newest = (one / "checkpoints" / "epoch_000001.npz").stat().st_mtime_ns
    swept("1", "2")
    assert (one / "metrics.csv").read_text().count("\n") == 2
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert made <= (one / "metrics.csv").stat().st_mtime_ns
    # It was not trained again.
    again = (one / "checkpoints" / "epoch_000001.npz").stat().st_mtime_ns
    assert again == newest
    # Nor started: its results are there.
    assert [len(line) for line in started] == [len(started[0])] * 2
    record = records.read(tmp_path / "record.json")
    epochs = [run["varied"]["train_epochs"] for run in record["runs"]]
    assert epochs == ["1", "2"]
    assert sweep.table(record) in capsys.readouterr().out
    for run_of, given in zip(record["runs"], started, strict=True):
        assert f"--train_epochs={run_of['varied']['train_epochs']}" in given


def runs_of(m, ratio, values):
    """Runs of two seeds whose accuracy and NLL are known."""
    return [
        {
            "varied": {"l1": ratio, "ensemble_size": m},
            "test/accuracy": value,
            "test/accuracy_member_mean": value - 0.1,
            "test/nll": 2 * value,
            "test/nll_member_mean": 3 * value,
            "weights/kept": value / 2,
            "cost/params": 5,
        }
        for value in values
    ]


RECORD = {
    "runs": [
        *runs_of("1", "0.001", [0.5, 0.7]),
        *runs_of("2", "0.001", [0.4, 0.4]),
        *runs_of("1", "0.1", [0.2, 0.4]),
        *runs_of("2", "0.1", [0.1, 0.3]),
    ]
}


def test_a_curve_for_each_value_of_the_second_flag():
    found = sweep.curves(RECORD)
    assert list(found) == ["M = 1", "M = 2"]
    first, second = found["M = 1"]
    assert (first["x"], second["x"]) == (0.001, 0.1)
    assert first["accuracy"] == pytest.approx((0.6, 0.02**0.5))
    assert first["accuracy_member"][0] == pytest.approx(0.5)
    assert first["log_likelihood"] == pytest.approx((-1.2, 2 * 0.02**0.5))
    assert second["log_likelihood_member"][0] == pytest.approx(-0.9)
    against = sweep.curves(RECORD, "weights/kept")["M = 2"]
    assert [point["x"][0] for point in against] == pytest.approx([0.2, 0.1])


def test_the_order_is_that_of_the_command_not_of_the_file():
    turned = {**RECORD, "order": ["ensemble_size", "l1"]}
    assert list(sweep.curves(turned)) == ["l1 = 0.001", "l1 = 0.1"]
    assert sweep.table(turned).startswith("| ensemble_size |")


def test_the_figure_has_its_lines_and_is_not_empty(tmp_path):
    panels = ["accuracy", "log_likelihood"]
    sweep.draw(RECORD, tmp_path / "figures" / "l1.png", panels)
    image = matplotlib.image.imread(tmp_path / "figures" / "l1.png")
    assert image[..., :3].std() > 0.05
    numbers = json.loads((tmp_path / "figures" / "l1.json").read_text())
    assert numbers["M = 2"][0]["accuracy"] == [0.4, 0.0]


@pytest.mark.parametrize("panels", [[], ["brier"], ["accuracy", "f1"]])
def test_panels_that_no_run_has_are_one_line(tmp_path, panels):
    with pytest.raises(InputError, match="panels among accuracy, log_like"):
        sweep.draw(RECORD, tmp_path / "l1.png", panels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("x", "scale"),
    [
        ([1, 2, 4], "linear"),
        ([1e-5, 1e-3], "log"),
        ([0, 1, 1000], "symlog"),
        ([0, 0.5, 1], "linear"),
        ([-1, 1, 1000], "linear"),
        ([0], "linear"),
    ],
)
def test_wide_ranges_have_logarithmic_axes(x, scale):
    assert sweep.scale(x) == scale


def test_words_on_the_x_axis_are_one_line():
    record = {"runs": [{**RECORD["runs"][0], "varied": {"assign": "shared"}}]}
    with pytest.raises(InputError, match="numbers on the x axis"):
        sweep.curves(record)


SWEEPS = (
    *("members", "mixture_members", "rho", "batch_repetitions", "l1", "l2"),
    *("alpha", "sizes"),
)


@pytest.mark.parametrize("name", SWEEPS)
def test_the_documents_tables_and_curves_are_those_of_the_records(name):
    record = records.read(ROOT / "results" / f"sweep_{name}.json")
    document = "mimmo" if name == "alpha" else "figures"
    text = (ROOT / "docs" / f"{document}.md").read_text("utf-8")
    assert sweep.table(record) in text
    against = "cost/params" if name == "sizes" else None
    found = json.dumps(sweep.curves(record, against), sort_keys=True)
    drawn = (ROOT / f"results/figures/sweep_{name}.json").read_text()
    assert json.loads(drawn) == json.loads(found)
