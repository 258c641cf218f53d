"""The command `mimo` runs every script."""

import pytest

from tests.runs import processes
from tests.runs.processes import TINY
from uncertainty_runs import command

SCRIPT = processes.CIFAR.with_name("command.py")


def mimo(folder, *words, before=None):
    return processes.run(words, folder, before, SCRIPT)


def test_every_script_has_a_name():
    folder = processes.ROOT / "uncertainty_runs"
    scripts = {
        ".".join(path.relative_to(processes.ROOT).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if "\n    script.run(main)\n" in path.read_text("utf-8")
    }
    assert {*command.SCRIPTS.values()} == scripts


def test_usage_has_a_line_for_each(tmp_path):
    done = mimo(tmp_path, "--help")
    assert (done.status, done.stderr) == (0, "")
    lines = done.stdout.splitlines()[2:]
    assert [line.split()[0] for line in lines] == [*command.SCRIPTS]
    assert (
        "  cifar              Trains and evaluates an efficient" in done.stdout
    )
    assert all(line.endswith(".") and len(line) <= 99 for line in lines)


@pytest.mark.parametrize(
    ("words", "received"),
    [([], "nothing"), (["train"], "'train'"), (["--seed=1"], "'--seed=1'")],
)
def test_other_words_are_one_line(tmp_path, words, received):
    done = mimo(tmp_path, *words)
    assert (done.status, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("mimo: error: Expected one of cifar, imagenet, eva")
    assert f"Received: {received}. mimo --help" in line


def test_a_script_runs_as_by_itself(tmp_path):
    """With the same output, and errors under its own name."""
    flags = [*TINY, "--method=mixmo", "--seed=7", "--show_config"]
    done, wanted = (
        mimo(tmp_path, "cifar", *flags),
        processes.run(flags, tmp_path),
    )
    assert done == wanted and done.status == 0 and "mixmo" in done.stdout
    done = mimo(tmp_path, "sweep", "--base=x")
    assert done.status == 2
    assert done.stderr.startswith("sweep.py: error: Expected ")
