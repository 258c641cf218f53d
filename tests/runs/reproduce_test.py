"""The papers' tables: their rows, and a reproduction that trains nothing."""

import json
import pathlib
import re
import types

import pytest

from mimo_keras.errors import InputError
from tests.runs import in_process
from uncertainty_runs import reproduce
from uncertainty_runs.common import config, recipes, run_data, signals
from uncertainty_runs.reported import (
    FIGURES,
    TABLES,
    Column,
    Row,
    Table,
    comparison,
)
from uncertainty_runs.studies import engine, records, sweep

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIVERSITY = ("--table=mixture6", "--dataset=digits")


def every_point():
    """Yields every row and grid point, on its data set and on digits."""
    for dataset in (None, "digits"):
        for table in TABLES.values():
            for row in table.rows:
                yield engine.row_point(table, row, dataset)
        for figure in FIGURES.values():
            for panel in figure.grids:
                grid = panel.on(dataset)
                found = sweep.jobs(grid.dataset, grid.base, grid.vary, ["0"])
                yield from (point for point, _, _ in found)


def test_every_row_is_a_command_of_its_script(parse):
    for point in every_point():
        assert point.settings() is not None, point
        # Flags of photographs belong to imagenet.py, the others to both.
        if point.dataset in run_data.IN_MEMORY:
            parse(*point.flags("out", "0"))
            values = vars(config.resolve())
            for name, value in point.settings().items():
                plain = engine.plain(values[name]), engine.plain(value)
                assert plain[0] == plain[1], (point, name)


def test_runs_that_differ_have_folders_that_differ():
    points = {*every_point()}
    folders = {str(point.folder("runs", "0")) for point in points}
    assert len(folders) == len(points) > 150


def test_every_row_has_a_number_for_each_column_or_none_at_all():
    for table in TABLES.values():
        for row in table.rows:
            assert len(row.reported) in (0, len(table.columns)), row
    empty = {t.name for t in TABLES.values() if not t.rows[0].reported}
    assert empty == {"mimmo3"}


def test_recipes_report_the_tables_accuracies():
    """Numbers that stand in both places are the same."""
    seen = 0
    for table in TABLES.values():
        for row in table.rows:
            if row.own or table.name not in ("mimo1", "mimo2", "mimo3"):
                continue
            said = recipes.recipe(table.dataset, row.method).reported
            numbers = re.findall(r"[\d.]+", said[table.dataset])
            accuracy, nll, ece = map(float, row.reported[:3])
            assert [float(n.rstrip(".")) for n in numbers[1:4]] == [
                *(accuracy, nll, ece)
            ], row
            seen += 1
    assert seen == 7 + 7 + 6


COLUMNS = (
    Column("Accuracy", ("acc",), 1, lambda share: 100 * share),
    Column("NLL", ("nll",), 2, spread="nll_std"),
    Column("FLOPs", ("flops",), 3, relative=True),
)


def test_other_keys_count_only_where_the_first_are_missing():
    column = Column("A", ("a/17",), 1, lambda x: 2 * x, instead=("a",))
    assert column.measured({"a": 1, "a/17": 2}) == 4
    assert column.measured({"a": 1}) == 2 and column.measured({}) is None


SMALL = Table(
    "small",
    "a paper",
    "cifar10",
    COLUMNS,
    (
        Row("One", "deterministic", 1, ((90.0, 0.5), None, 10.0)),
        Row("Four", "deep_ensemble", 4, (92.0, 0.3, 40.0)),
        Row("None", "mimo", 2),
    ),
)
RUNS = {
    "One": [
        {"acc": 0.9, "nll": 0.5, "nll_std": 0.2, "flops": 8},
        {"acc": 0.92, "nll": 0.7, "nll_std": 0.4, "flops": 8},
    ],
    "Four": [{"acc": 0.925, "flops": 24}],
    "None": [],
}


def cells(text):
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_measured_beside_reported_and_the_difference():
    head, _, *found = cells(comparison.table(SMALL, RUNS, "cifar10"))
    assert head == ["Row", "", "Accuracy", "NLL", "FLOPs"]
    assert found == [
        # Over two seeds 2 / √2; within runs the mean of 0.2 and 0.4.
        ["One", "here", "91.0 ± 1.4", "0.60 ± 0.30", "1.000"],
        ["One", "paper", "90.0 ± 0.5", "-", "1.000"],
        ["One", "difference", "+1.0", "-", "+0.000"],
        ["Four", "here", "92.5", "-", "3.000"],
        ["Four", "paper", "92.0", "0.30", "4.000"],
        ["Four", "difference", "+0.5", "-", "-1.000"],
        ["None", "here", "not run", "-", "-"],
    ]
    # Nothing to tell before there is a run.
    none = cells(comparison.table(SMALL, dict.fromkeys(RUNS, []), "digits"))
    assert {row[1] for row in none[2:]} == {"paper"}
    other = cells(comparison.table(SMALL, RUNS, "digits"))
    assert {row[1] for row in other[2:]} == {"here", "paper"}


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """The commands that were run, each writing results in place of training.

    "stops_at" is the number of runs after which the process is killed.
    """
    monkeypatch.chdir(tmp_path)
    commands = []

    def run(request, words):
        if len(commands) == run.stops_at:
            raise KeyboardInterrupt
        given = dict(word[2:].partition("=")[::2] for word in words[2:])
        folder = pathlib.Path(given["output_dir"])
        folder.mkdir(parents=True)
        options = tuple(word[2:] for word in words[7:])
        point = engine.Point(given["dataset"], given["method"], 1, options)
        saved = config.with_defaults({}) | point.settings()
        found = dict.fromkeys([*sweep.KEYS, "cost/flops"], 0.5)
        members = int(given["ensemble_size"])
        found |= {"cost/params": 1e6 * members, "test/disagreement": 0.25}
        for name, content in (
            ("results.json", found),
            ("flags.json", saved | {"ensemble_size": members}),
            ("report.html", ""),
        ):
            (folder / name).write_text(json.dumps(content))
        commands.append(words)
        return 0

    run.stops_at = None
    monkeypatch.setattr(signals.Request, "run", run)
    return types.SimpleNamespace(commands=commands, run=run)


def test_without_run_it_only_prints(trained, tmp_path, capsys):
    in_process.main(reproduce, *DIVERSITY, "--data_dir=D", "--use_gpu")
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if "mimo cifar " in line]
    assert len(lines) == 5 and "5 runs, 0 finished" in said
    assert all("--data_dir=D --use_gpu" in line for line in lines)
    folders = [re.search(r"--output_dir=(\S+)", line)[1] for line in lines]
    assert not any("use_gpu" in folder for folder in folders)
    assert not list(tmp_path.iterdir()) and trained.commands == []
    in_process.main(reproduce, *DIVERSITY, "--options=train_epochs=3")
    said = capsys.readouterr().out
    assert said.count("--train_epochs=3") == 5
    assert said.count("train_epochs_3-0 ") == 5


def test_a_reproduction_that_was_killed_goes_on(trained, tmp_path, capsys):
    trained.run.stops_at = 3
    with pytest.raises(KeyboardInterrupt):
        in_process.main(reproduce, *DIVERSITY, "--run")
    path = tmp_path / "runs/reproduce/mixture6-digits.json"
    assert len(records.read(path)["runs"]) == 3
    trained.run.stops_at = None
    in_process.main(reproduce, *DIVERSITY, "--run")
    assert len(trained.commands) == 5
    assert len({*map(str, trained.commands)}) == 5
    said = capsys.readouterr().out
    # 0.25 of examples differ, half are errors.
    found = [row for row in cells(said) if row[1] == "here"]
    assert found[0] == ["Naive Ensemble, 146M", "here", "4.00", "50.0", "0.50"]
    assert [row[2] for row in found] == ["4.00", "4.00", "4.00", "4.00", "3.00"]
    # Without the record, from the folders; with another seed, what is new.
    path.unlink()
    in_process.main(reproduce, *DIVERSITY)
    assert "5 runs, 5 finished" in capsys.readouterr().out
    assert not path.exists()
    in_process.main(reproduce, *DIVERSITY, "--run", "--seeds=0,1")
    assert len(trained.commands) == 10
    assert len(records.read(path)["runs"]) == 10
    # Another table has rows in common, which are not run again.
    in_process.main(reproduce, "--table=mixture1", DIVERSITY[1], "--run")
    assert len(trained.commands) == 12


def test_runs_of_other_studies_count(trained, tmp_path, capsys):
    """Whatever the order of their flags, but not on another data set."""
    run = {
        "method": "mixture_ensemble:backbone=wide_resnet_16_1:num_params=3.3",
        **{"ensemble_size": 4, "seed": 7, "test/accuracy": 0.875},
        **{"cost/params": 2e6, "cost/flops": 1, "test/ece": 0.5},
    }
    other = {**run, "method": "mimo", "seed": 0}
    line = [*DIVERSITY, "--records=a.json", "--seeds=7"]
    for dataset, count in (("cifar10", 0), ("digits", 1)):
        content = {"dataset": dataset, "runs": [run, other]}
        (tmp_path / "a.json").write_text(json.dumps(content))
        in_process.main(reproduce, *line)
        assert f"5 runs, {count} finished" in capsys.readouterr().out
    # A record of an older version.
    content = {"command": "python study.py --seeds=7", "runs": [run]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    in_process.main(reproduce, *line, "--run")
    assert len(trained.commands) == 4
    here = [row for row in cells(capsys.readouterr().out) if row[1] == "here"]
    # One without all results of the table.
    assert ["MixtureEnsembles, 120M", "here", "2.00", "87.5", "-"] in here
    assert len(here) == 5
    made = records.read(tmp_path / "runs/reproduce/mixture6-digits.json")
    assert len({frozenset(one) for one in made["runs"]}) == 1


def test_a_run_of_another_recipe_does_not_count(trained):
    point = engine.parse("mimo:3:train_epochs=2")
    engine.one_run(point, "0", "runs", ())
    assert engine.finished_run(point, "0", "runs", ()) is not None
    flags = point.folder("runs", "0") / "flags.json"
    saved = json.loads(flags.read_text())
    for changed, counts in (
        ({"data_dir": "elsewhere", "seed": 7}, 1),
        ({"l2": 1e-4}, 0),
        ({"train_epochs": 3}, 0),
    ):
        flags.write_text(json.dumps(saved | changed))
        found = engine.finished_run(point, "0", "runs", ())
        assert (found is not None) == counts, changed
    # Saved before a field existed, when these methods summed losses.
    del saved["member_reduction"]
    for method, counts in (("mimo", 1), ("batch_ensemble", 0)):
        flags.write_text(json.dumps(saved | {"method": method}))
        found = engine.finished_run(point, "0", "runs", ())
        assert (found is not None) == counts, method
    # Nor one that was evaluated before its end.
    flags.write_text(json.dumps(saved))
    early = {"training/epoch": 1, "training/epochs": 2, "cost/params": 1}
    results = point.folder("runs", "0") / "results.json"
    results.write_text(json.dumps(early | {"cost/flops": 1}))
    assert engine.finished_run(point, "0", "runs", ()) is None


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("nonsense=3", "as flag=value"),
        ("l2", "as flag=value"),
        ("train_epochs=many", "as flag=value"),
        ("", "as flag=value"),
        ("seed=3", "Leave out seed"),
        ("output_dir=elsewhere", "Leave out output_dir"),
        ("nouse_gpu", "Leave out nouse_gpu"),
    ],
)
def test_options_that_no_run_can_have_are_one_line(option, words):
    """Before anything is run under a name that would not be true."""
    line = ("--table=mimo1", "--dataset=digits", f"--options=l2=0,{option}")
    with pytest.raises(InputError, match=words):
        in_process.main(reproduce, *line)


def test_a_figure_is_a_sweep_that_is_drawn(trained, tmp_path, capsys):
    line = ["--figure=mimo5", "--dataset=digits"]
    in_process.main(reproduce, *line)
    # Its two panels are one on digits.
    assert capsys.readouterr().out.count("mimo cifar ") == 5
    in_process.main(reproduce, *line, "--run", "--record=out/m.json")
    assert [p.name for p in sorted((tmp_path / "out").iterdir())] == [
        *("m_a.json", "m_a.png", "m_a_figure.json")
    ]
    in_process.main(reproduce, *line, "--run")
    assert len(trained.commands) == 5
    assert "--ensemble_size=5" in trained.commands[-1]
    folder = tmp_path / "runs/reproduce"
    record = records.read(folder / "mimo5a-digits.json")
    assert sweep.table(record) in capsys.readouterr().out
    drawn = json.loads((folder / "mimo5a-digits_figure.json").read_text())
    assert [point["x"] for point in drawn[""]] == [1, 2, 3, 4, 5]
    assert (folder / "mimo5a-digits.png").stat().st_size > 10_000


def test_a_figure_that_cannot_be_written_is_refused_before_its_runs(
    trained, tmp_path
):
    """Of any panel; other files stay as they are."""
    (tmp_path / "f_b.png").write_bytes(b"mine")
    for record, word in (
        ("f.json", "f_b.png, another file"),
        ("f.png", "two names"),
    ):
        with pytest.raises(InputError, match=word):
            in_process.main(
                *(reproduce, "--figure=mimo6", "--dataset=digits", "--run"),
                f"--record={record}",
            )
    assert [*tmp_path.iterdir()] == [tmp_path / "f_b.png"]
    assert trained.commands == []


def test_boxes_of_a_figure_are_drawn(trained, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        sweep, "draw", lambda *arguments: drawn.append(arguments[-1])
    )
    in_process.main(reproduce, "--figure=mimo6", "--dataset=digits", "--run")
    assert drawn == [False, True]


def test_a_record_of_other_settings_is_refused(trained, tmp_path):
    in_process.main(reproduce, *DIVERSITY, "--run", "--record=a.json")
    before = (tmp_path / "a.json").read_bytes()
    for line, word in (
        (["--table=mixture1", DIVERSITY[1]], "one of table=mixture6"),
        ([*DIVERSITY, "--options=l2=0"], "one of options="),
        (["--figure=mimmo5", DIVERSITY[1]], "another file"),
    ):
        with pytest.raises(InputError, match=word):
            in_process.main(reproduce, *line, "--run", "--record=a.json")
    assert (tmp_path / "a.json").read_bytes() == before
    with pytest.raises(InputError, match="--table or --figure"):
        in_process.main(reproduce, *DIVERSITY, "--figure=mimo5")


def test_the_document_has_what_the_command_prints():
    text = (ROOT / "docs/reproduce.md").read_text("utf-8")
    assert reproduce.differences() in text
    head, _, *rows = cells(reproduce.overview())
    for row in rows:
        # The document's also has the cost of training.
        assert [row[0], *row[1:]] in [
            found[: len(head)] for found in cells(text)
        ], row
    for name, table in TABLES.items():
        record = records.read(ROOT / f"results/reproduce_{name}.json")
        assert reproduce.compared(table, record) in text
        assert " ".join(record["command"].split()[1:]) in " ".join(
            text.replace("\\\n", " ").split()
        )
    drawn = sorted((ROOT / "results/figures").glob("mim*[0-9]*.json"))
    drawn = [p for p in drawn if not p.stem.endswith("_figure")]
    assert drawn
    for path in drawn:
        record = records.read(path)
        assert sweep.table(record) in text
        assert "/".join(path.with_suffix(".png").parts[-3:]) in text
        assert " ".join(record["command"].split()[1:]) in " ".join(
            text.replace("\\\n", " ").split()
        )
