"""A run may be on a file system of TensorFlow, such as gs://."""

import importlib
import pathlib
import re
import sys

import pytest
from absl import app, flags

from tests.runs import processes, remote_runs
from tests.runs.ends import (
    assert_nothing_is_left_over,
    assert_same_answers,
    assert_same_end,
    assert_same_results,
)
from uncertainty_runs.common import run_data, script

SCRIPTS = {
    "cifar": {"data_dir", "init_from", "output_dir"},
    "imagenet": {"data_dir", "init_from", "output_dir"},
    "evaluate": {"data_dir", "models", "output_dir", "runs"},
    "analyze": {"data_dir", "record", "run_dir", "run_dirs"},
    "cost": set(),
    "plan": set(),
    "prepare": {"data_dir", "source"},
    "reproduce": {"data_dir", "output_dir", "record", "records"},
    "studies.budgets": {"data_dir", "figure", "output_dir", "record"},
    "studies.calibration_study": {"figure", "record"},
    "studies.depths": {"data_dir", "output_dir", "record"},
    "studies.diabetes": {"record"},
    "studies.fashion": {"data_dir", "figures", "output_dir", "record"},
    "studies.sharing": {"data_dir", "output_dir", "record"},
    "studies.study": {"data_dir", "output_dir", "record"},
    "studies.sweep": {"data_dir", "figure", "output_dir", "record"},
    "studies.toy_regression": {"figure", "output_dir", "record"},
    "studies.warm_starts": {"data_dir", "output_dir", "record"},
}
"""Scripts, with their flags that are names of files and folders."""


@pytest.mark.large
def test_a_run_in_memory_ends_like_a_local_one(short, tmp_path):
    """Killed in the first epoch, stopped in the second, and resumed twice."""
    flags = [*processes.SHORT, "--output_dir=ram://runs/run", "--export"]
    script = pathlib.Path(remote_runs.__file__)
    done = processes.run(flags, tmp_path, processes.few, script)
    assert (done.status, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()[-2:]
    assert re.fullmatch(r"\['.epoch_000001.npz.*.tmp'\]", first)
    assert second == "['epoch_000001.npz', 'epoch_000001_step_000008.npz']"
    assert not (tmp_path / "ram:").exists()
    run = tmp_path / "run"
    assert_same_end(run, short)
    assert_same_results(run, short)
    assert_same_answers(run, short)
    assert_nothing_is_left_over(run)
    names = {path.name for path in run.iterdir()}
    assert names == {path.name for path in short.iterdir()}


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        (
            "evaluate",
            ["--runs=ram://runs/run", "--output_dir=ram://out", "--suite=test"],
            "Report:      ram://out/report.html",
        ),
        (
            "analyze",
            ["--run_dir=ram://runs/run", "--figure=risk_coverage"],
            "Figure: ram://runs/run/figures/risk_coverage.png",
        ),
        (
            "analyze",
            [
                *("--figure=diversity", "--run_dirs=ram://runs/*"),
                "--record=ram://runs/diversity.json",
            ],
            "MIMO",
        ),
    ],
    ids=["evaluate", "figure", "table"],
)
def test_what_is_done_with_a_run_in_memory(used, name, line, said):
    script = processes.CIFAR.with_name(f"{name}.py")
    there = {path.name for path in used.parent.iterdir()}
    done = processes.run(line, used.parent, remote_runs.copy_run, script)
    assert (done.status, done.stderr) == (0, "")
    assert said in done.stdout
    left = {path.name for path in used.parent.iterdir()} - there
    assert left == {".stdout.txt", ".stderr.txt"}


@pytest.fixture
def parsed(monkeypatch):
    """A function that reads a script's command line; returns its flags."""
    before = set(flags.FLAGS)

    def parse(name, *line):
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)
        module = importlib.import_module(f"uncertainty_runs.{name}")
        if name in ("cifar", "imagenet"):
            module.flags.define_flags(run_data.IN_MEMORY)
        else:
            module.define_flags()
        monkeypatch.setattr(sys, "argv", [name, *line])
        script.run(lambda: None)
        names = set(flags.FLAGS) - before
        return {name: flags.FLAGS[name] for name in names}

    def run(main, flags_parser):
        flags_parser(sys.argv)

    monkeypatch.setattr(app, "run", run)
    yield parse
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)


def _is_path(flag):
    words = ("Folder", "folder", " file", "File", "PNG")
    text = flag.value is None or isinstance(flag.value, str | list)
    # The help of an enum lists its values, which may be words like "folder".
    text = text and "enum" not in flag.flag_type()
    return text and any(word in flag.help for word in words)


def test_every_script_is_listed():
    found = {
        path.relative_to(processes.CIFAR.parent).with_suffix("").as_posix()
        for path in processes.CIFAR.parent.rglob("*.py")
        if "\n    script.run(main)" in path.read_text("utf-8")
    }
    assert {name.replace("/", ".") for name in found} == {*SCRIPTS}


def test_every_script_refuses_unknown_file_systems(parsed, capsys):
    for name, paths in SCRIPTS.items():
        found = parsed(name)
        assert {n for n, flag in found.items() if _is_path(flag)} == paths, name
        for path in paths:
            with pytest.raises(SystemExit) as caught:
                parsed(name, f"--{path}=s3://a/b")
            assert caught.value.code == 2
            said = capsys.readouterr().err
            assert said.startswith(f"{name}: error: Expected a local path, or ")
            assert f"Received: {path}=s3://a/b." in said
            assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("~/a", str(pathlib.Path.home() / "a")),
        ("a//b/", "a//b/"),
        ("ram://a/b", "ram://a/b"),
        ("file:///a", "/a"),
    ],
)
def test_paths_of_flags_are_completed(parsed, given, wanted):
    assert (
        parsed("cifar", f"--output_dir={given}")["output_dir"].value == wanted
    )
    found = parsed("evaluate", f"--runs={given},b")["runs"].value
    assert found == [wanted, "b"]
