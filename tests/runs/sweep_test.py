"""The sweep: its grid, its table, and a real one that is resumed."""

import pathlib
import subprocess
import sys

import pytest

from mimo_keras.errors import InputError
from uncertainty_runs import study, sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_grid_is_the_product_the_last_flag_fastest():
    assert sweep.grid(["alpha=0,1", "seed=7,8"]) == [
        {"alpha": "0", "seed": "7"},
        {"alpha": "0", "seed": "8"},
        {"alpha": "1", "seed": "7"},
        {"alpha": "1", "seed": "8"},
    ]
    assert sweep.grid([]) == [{}]


@pytest.mark.parametrize(
    "varied", [["alpha"], ["=1"], ["alpha=1,"], ["a=1", "a=2"]]
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


def test_a_sweep_that_was_stopped_goes_on(tmp_path):
    def run(*values):
        return subprocess.run(
            [
                sys.executable,
                str(ROOT / "uncertainty_runs/sweep.py"),
                "--base=deterministic:1:backbone=mlp_4:corruptions_interval=-1",
                f"--vary=train_epochs={','.join(values)}",
                "--seeds=0",
                f"--output_dir={tmp_path / 'runs'}",
                f"--record={tmp_path / 'record.json'}",
            ],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=None,
        ).stdout

    run("1")
    [one] = (tmp_path / "runs").iterdir()
    made = (one / "metrics.csv").stat().st_mtime_ns
    said = run("1", "2")
    assert (one / "metrics.csv").read_text().count("\n") == 2
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert made <= (one / "metrics.csv").stat().st_mtime_ns
    record = study.read(tmp_path / "record.json")
    epochs = [run["varied"]["train_epochs"] for run in record["runs"]]
    assert epochs == ["1", "2"]
    assert sweep.table(record) in said
