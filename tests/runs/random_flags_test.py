"""Absurd flags are rejected in one line by every script.

The sample is like the draws of `python -m tests.stress.flags`; each row once
ended in a traceback, or is similar to one that did.
"""

import json

import pytest

from tests.runs import processes
from tests.stress import flag_sets, flags, quick

HUGE = "1" + 30 * "0"
# Script and flags -> words of the message.
SAMPLE = {
    "cifar --l2=nan": "a finite --l2. Received: l2=nan",
    "cifar --train_epochs=": "--train_epochs=",
    f"cifar --ensemble_size={HUGE}": "not integer <= 1000",
    "imagenet --recipe=mimmo word": "flags only. Received: 'word'",
    "imagenet --recipe=mimmo --data_dir=none": "no --shifted",
    f"imagenet --recipe=mimmo --image_size={HUGE}": "range [32, 4096]",
    f"plan --channels={HUGE}": "range [1, 1000]",
    f"cifar --checkpoint_interval={HUGE}": "range [-1, 2147483647]",
    "evaluate --runs=a --export=": "Non-boolean argument",
    "evaluate --runs=other": "the folder of a training run",
    "analyze --run_dir=other": "other/flags.json with other contents",
    "evaluate --runs=a --models=b": "--runs or --models",
    "evaluate --models=plain.keras --dataset=digits --output_dir=out": (
        "a model created by create_model"
    ),
    "toy_regression --noise=nan": "a finite --noise",
    f"toy_regression --seed={HUGE}": "--seed",
    "toy_regression --sizes=two": "up to 1000 for sizes. Received: 'two'",
    "toy_regression --methods=": "a method and a size",
    f"toy_regression --test_examples={HUGE}": "--test_examples",
    "toy_regression --table_only --record=record.json": "KeyError",
    "cost --methods=mimo": "for M of 'mimo'",
    "cost --methods=mimo:0x2": "for M of 'mimo:0x2'",
    "plan --backbone=,": "a backbone among",
    "study --methods=mimo:2: --seeds=0": "method:M[:flag=value…]",
    "study --methods= --seeds=0": "Expected a method",
    "sharing --table_only --record=record.json": "KeyError",
    "depths --methods=mimo:2 --seeds=x": "for seeds. Received: 'x'",
    "budgets --table_only --record=empty.json": "IndexError",
    "sweep --base=mimo": "for M of 'mimo'",
    "sweep --record=record.json --figure=.": "of a file for --figure",
    "toy_regression --record=new.json --figure=/": "of a file for --figure",
    "reproduce --figure=mimo6 --record=.": "of a file for --record",
    "sweep --table_only --record=other/flags.json": "KeyError",
    "fashion --table_only --record=record.json": "KeyError",
    "calibration_study --table_only --record=record.json": "KeyError",
}


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    import keras

    folder = tmp_path_factory.mktemp("staged")
    (folder / "other").mkdir()
    (folder / "other" / "flags.json").write_text('{"dataset": "digits"}')
    run = {"method": "mimo", "ensemble_size": 2}
    (folder / "record.json").write_text(json.dumps({"runs": [run]}))
    (folder / "empty.json").write_text('{"runs": []}')
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    plain.save(folder / "plain.keras")
    return folder


@pytest.mark.parametrize("line", SAMPLE)
def test_they_are_reported_in_one_line(staged, line):
    script, *given = line.split(" ")
    found = flags.outcome(flags.Set(script, tuple(given)), staged)
    assert found.kind == "refused", found.said
    assert SAMPLE[line] in found.said
    assert len(found.said.splitlines()) == 1


def test_a_name_of_two_lines_is_reported_in_one(tmp_path):
    (tmp_path / "file").touch()
    done = processes.run(
        ["--run_dir=a\nb"], tmp_path, script=quick.script("analyze")
    )
    assert done.status == 2 and len(done.stderr.splitlines()) == 1


def test_what_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").touch()
    record = {"record": "file/record.json", "methods": "mimo:2", "seeds": "0"}
    given = [f"--{name}={value}" for name, value in record.items()]
    found = flags.outcome(flags.Set("study", tuple(given)), tmp_path)
    assert found.kind == "refused", found.said
    assert "free disk space and permission to write" in found.said


def finished(status, stderr):
    return processes.Finished(status, "", stderr)


@pytest.mark.parametrize(
    ("status", "stderr", "kind"),
    [
        (0, "WARNING: one\n", "ran"),
        (2, "cost.py: error: one\n", "refused"),
        (2, "a warning\ncost.py: error: one\n", "refused"),
        (2, "cost.py: error: one\ncost.py: error: two\n", "no one line"),
        (2, "one\n", "no one line"),
        (2, "", "no one line"),
        (1, "cost.py: error: one\n", "status 1"),
        (-9, "", "status -9"),
        (1, "Traceback (most recent call last):\n", "traceback"),
        (0, "Traceback (most recent call last):\n", "traceback"),
    ],
)
def test_how_an_end_is_judged(status, stderr, kind):
    one = flags.Set("cost", ())
    assert flags.judge(one, finished(status, stderr)) == kind


def test_every_script_is_drawn_and_a_seed_gives_the_same_sets():
    folder = processes.CIFAR.parent
    scripts = {
        path.stem
        for path in folder.rglob("*.py")
        if '__name__ == "__main__"' in path.read_text("utf-8")
    }
    # The command that runs the others has no flags of its own.
    scripts -= {"command"}
    assert scripts == {*flags.SCRIPTS}
    found = flags.sets(40, 3)
    assert {one.script for one in found[: len(scripts)]} == scripts
    assert flags.sets(50, 3)[:40] == found != flags.sets(40, 4)
    assert len({one.flags for one in found}) > 35


def test_definitions_are_the_scripts_own():
    known = flag_sets.definitions(quick.script("toy_regression"))
    assert {"noise", "sizes", "record"} <= {*known}
    assert known["training_sets"].parser.lower_bound == 3
    assert "verbosity" not in known
