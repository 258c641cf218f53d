"""Records of studies grow run by run, and replace nothing but themselves."""

import json
import pathlib

import numpy as np
import pytest

from mimo_keras.errors import InputError
from tests.analysis.made_pictures import png
from tests.runs import in_process
from uncertainty_runs.studies import (
    budgets,
    engine,
    records,
    study,
    sweep,
    toy_regression,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
OLDER = {
    "study": "digits",
    "budgets": "budgets",
    "depths": "depths",
    "sharing": "sharing",
    "sweep": "sweep_l1",
    "toy_regression": "toy_regression",
    "diversity": "diversity",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs a study in the test's folder, training nothing."""
    monkeypatch.chdir(tmp_path)

    def one_run(point, seed, output_dir, keys):
        if point.entry == one_run.stops_at:
            raise KeyboardInterrupt
        return {
            "method": point.label,
            "ensemble_size": point.members,
            "seed": int(seed),
            "cost/params": 5,
            "cost/flops": 10,
            **dict.fromkeys(keys, one_run.value),
        }

    def main(module, *line, stops_at=None, value=0.5):
        one_run.stops_at, one_run.value = stops_at, value
        in_process.main(module, *line)

    monkeypatch.setattr(engine, "one_run", one_run)
    return main


def named(path):
    return [run["method"] for run in json.loads(path.read_text())["runs"]]


def test_two_commands_at_a_time_keep_each_others_runs(run, tmp_path):
    """The second writes while the first has the record open."""
    path, other = tmp_path / "a.json", tmp_path / "b.json"
    line = ["--methods=mimo:2", "--seeds=0"]
    run(study, *line, f"--record={path}")
    first = records.opened(path, "study", {"dataset": "digits"})
    first["runs"][0]["test/nll"] = 0.25
    run(study, "--methods=treenet:2", "--seeds=0", f"--record={path}")
    engine.write(first, path)
    assert named(path) == ["mimo", "treenet"]
    assert records.read(path)["runs"][0]["test/nll"] == 0.25
    # Nor does it replace a record of other settings.
    run(study, *line, f"--record={other}", "--dataset=cifar10")
    before = other.read_bytes()
    with pytest.raises(InputError, match="dataset=cifar10"):
        engine.write(first, other)
    assert other.read_bytes() == before


def test_a_study_that_is_stopped_keeps_all_runs_of_the_record(run, tmp_path):
    line = ["--methods=mimo:2,treenet:2,mimmo:2", "--record=a.json"]
    with pytest.raises(KeyboardInterrupt):
        run(study, *line, "--seeds=0", stops_at="mimmo:2")
    path = tmp_path / "a.json"
    assert named(path) == ["mimo", "treenet"]
    run(study, *line, "--seeds=0")
    assert named(path) == ["mimo", "treenet", "mimmo"]
    # Again, stopped early, and with other numbers.
    with pytest.raises(KeyboardInterrupt):
        run(study, *line, "--seeds=0,1", stops_at="treenet:2", value=0.25)
    assert named(path) == ["mimo", "treenet", "mimmo"]
    found = [r["test/nll"] for r in json.loads(path.read_text())["runs"]]
    assert found == [0.25, 0.5, 0.5]
    run(study, *line, "--seeds=1")
    assert len(named(path)) == 6


def test_a_sweep_grows_and_its_figure_is_another_file(run, tmp_path, capsys):
    line = ["--base=mimo:2", "--vary=l1=0,1", "--seeds=0", "--record=a.json"]
    with pytest.raises(KeyboardInterrupt):
        run(sweep, *line, stops_at="mimo:2:l1=1")
    run(sweep, *line, "--figure=a.png")
    record = records.read(tmp_path / "a.json")
    assert [one["varied"] for one in record["runs"]] == [{"l1": "0"}] + [
        {"l1": "1"}
    ]
    drawn = json.loads((tmp_path / "a_figure.json").read_text())
    assert drawn == json.loads(json.dumps(sweep.curves(record)))
    # The same again: all of it is the sweep's own.
    run(sweep, *line, "--figure=a.png")
    run(sweep, *line, "--figure=b.png")
    assert (tmp_path / "b.json").exists()
    assert sweep.table(record) in capsys.readouterr().out


@pytest.mark.parametrize("kind", OLDER)
def test_a_record_of_an_older_version_is_known_by_its_command(tmp_path, kind):
    path = ROOT / "results" / f"{OLDER[kind]}.json"
    record = records.opened(path, kind)
    assert record["runs"] and record["kind"] == kind
    for other in {*OLDER} - {kind}:
        with pytest.raises(InputError, match=f"{path.name} \\(another file"):
            records.opened(path, other)


def test_flags_of_an_older_record_are_those_of_its_command(run, tmp_path):
    older = json.loads((ROOT / "results/sweep_l1.json").read_text())
    (tmp_path / "l1.json").write_text(json.dumps(older))
    base = "mimo:3:train_epochs=20:corruptions_interval=-1:l2=0"
    line = ["--vary=l1=1e-5", "--vary=ensemble_size=1", "--record=l1.json"]
    run(sweep, f"--base={base}", *line, "--seeds=0")
    kept = records.read(tmp_path / "l1.json")["runs"]
    assert len(kept) == len(older["runs"])
    assert kept[0]["test/nll"] == 0.5 and kept[1:] == older["runs"][1:]


FOREIGN = {
    "flags.json": {"method": "mimo", "seed": 42},
    "results.json": {"test/nll": 0.5},
    "sweep.json": {"kind": "sweep", "runs": [], "command": "x"},
    "runs.json": {"runs": [1, 2]},
    "named.json": {"runs": [{}], "command": "python other.py study.py"},
    "list.json": [],
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_record_of_the_study_stays(run, tmp_path, name):
    path = tmp_path / name
    path.write_text(json.dumps(FOREIGN[name]))
    before = path.read_bytes()
    with pytest.raises(InputError, match="or a new file. Received: record="):
        run(study, "--methods=mimo:2", f"--record={name}")
    assert path.read_bytes() == before
    path.write_bytes(b"\xff not JSON")
    with pytest.raises(InputError, match="Choose another name, or delete"):
        run(study, "--methods=mimo:2", f"--record={name}")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("--dataset=cifar10", "one of dataset=digits"),
        ("--base=mimo:3", "one of base=mimo:2"),
        ("--vary=l2=0,1", "the same flags vary: l1, l2"),
    ],
)
def test_runs_of_other_settings_are_not_mixed(run, tmp_path, change, word):
    line = ["--base=mimo:2", "--vary=l1=0,1", "--record=a.json", "--seeds=0"]
    run(sweep, *line)
    before = (tmp_path / "a.json").read_bytes()
    with pytest.raises(InputError, match=word):
        run(sweep, *line, change)
    assert (tmp_path / "a.json").read_bytes() == before


PICTURES = {
    "text": b"not a picture",
    "empty": b"",
    "photo": png(b"Software\0GIMP"),
    "jpeg": b"\xff\xd8\xff\xe0",
    "folder.json": json.dumps({"mine": 1}).encode(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_is_no_figure_stays(run, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(PICTURES[name])
    line = ["--record=r.json", "--seeds=0"]
    with pytest.raises(InputError, match="Choose another name, or delete"):
        run(sweep, "--vary=l1=0,1", f"--figure={path.name}", *line)
    with pytest.raises(InputError, match="Choose another name, or delete"):
        run(budgets, f"--figure={path.name}", *line)
    # Refused before anything is trained.
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == PICTURES[name]


def test_numbers_next_to_a_figure_are_its_own(run, tmp_path):
    (tmp_path / "package.json").write_text('{"name": "mine"}')
    line = ["--vary=l1=0,1", "--record=r.json", "--seeds=0"]
    with pytest.raises(InputError, match="its numbers may be written"):
        run(sweep, *line, "--figure=package.png")
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="its arrays may be written"):
        run(toy_regression, "--record=r.json", "--figure=data.png")
    assert {p.name for p in tmp_path.iterdir()} == {"package.json", "data.npz"}


def test_the_record_is_no_figure(run, tmp_path):
    for module in (sweep, budgets, toy_regression):
        with pytest.raises(InputError, match="two names for --record and"):
            run(module, "--record=a.json", "--figure=./a.json")
    assert not list(tmp_path.iterdir())


def test_the_toy_study_keeps_its_other_runs(run, tmp_path, monkeypatch):
    def predictions(f, method, members, data):
        if members == predictions.stops_at:
            raise KeyboardInterrupt
        draw = np.random.default_rng(members)
        shape = (toy_regression.STAGES, 3, 4, members, 1)
        return draw.normal(size=shape)

    monkeypatch.setattr(toy_regression, "kept_predictions", predictions)
    line = ["--training_sets=3", "--test_examples=4", "--record=r.json"]
    line += ["--figure=f.png"]
    predictions.stops_at = 3
    with pytest.raises(KeyboardInterrupt):
        run(toy_regression, *line, "--sizes=1,2,3")
    path = tmp_path / "r.json"
    sizes = [one["ensemble_size"] for one in records.read(path)["runs"]]
    assert sizes == [1, 2]
    predictions.stops_at = None
    run(toy_regression, *line, "--sizes=1,3")
    sizes = [one["ensemble_size"] for one in records.read(path)["runs"]]
    assert sizes == [1, 2, 3]
    before = path.read_bytes()
    for change in ("--sizes=2", "--noise=0.5", "--methods=naive_multihead"):
        with pytest.raises(InputError, match="record=r.json"):
            run(toy_regression, *line, change)
    assert path.read_bytes() == before
