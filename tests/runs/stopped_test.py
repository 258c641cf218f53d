"""Signals: a run stops where it can resume, and ends as if never stopped."""

import functools
import signal

import pytest

from tests.runs import processes
from tests.runs.ends import (
    assert_nothing_is_left_over,
    assert_same_answers,
    assert_same_end,
    assert_same_results,
    left_by,
)
from tests.runs.processes import kill

COMMAND = ("--output_dir=run", "--export")
ON = " Run the same command again to resume."
STEP = "keras.callbacks:TensorBoard.on_train_batch_end"
LAST = ["epoch_000002.npz", "epoch_000003.npz"]
# Where each process in turn is asked to stop (by SIGTERM unless said
# otherwise), its last message, and the files of `left_by` at that time.
MOMENTS = [
    (
        {"where": STEP, "call": 5},
        "Stopped in epoch 1 after step 5 of 10.",
        ["epoch_000000_step_000005.npz"],
    ),
    (
        {"where": STEP, "call": 1, "number": signal.SIGINT},
        "Stopped in epoch 1 after step 6 of 10.",
        ["epoch_000000_step_000005.npz", "epoch_000000_step_000006.npz"],
    ),
    # Four steps are left of epoch 1.
    (
        {"where": STEP, "call": 4 + 9, "number": signal.SIGHUP},
        "Stopped in epoch 2 after step 9 of 10.",
        ["epoch_000001.npz", "epoch_000001_step_000009.npz"],
    ),
    # After the last step, the epoch is finished first.
    (
        {"where": STEP, "call": 1},
        "Stopped after epoch 2.",
        ["epoch_000001_step_000009.npz", "epoch_000002.npz"],
    ),
    (
        {
            "where": "mimo_keras.training.checkpoints:Checkpoints.save",
            "call": 1,
        },
        "Stopped after epoch 3.",
        LAST,
    ),
    (
        {
            "where": "uncertainty_runs.evaluation.cache:Evaluated.evaluate",
            "call": 4,
            "number": signal.SIGINT,
        },
        "Stopped in the evaluation.",
        LAST,
    ),
    (
        {"where": "os.rename", "call": 1},
        "Stopped at the end, with nothing left to do.",
        [*LAST, "report.html", "results.json", "saved_model"],
    ),
]


STATUS = {signal.SIGTERM: 0, signal.SIGINT: 130, signal.SIGHUP: 129}


def stopping(number=signal.SIGTERM, **how):
    return functools.partial(kill, number=number, **how)


@pytest.mark.large
def test_stopped_at_every_moment(short, cifar, tmp_path):
    run = tmp_path / "run"
    for how, said, left in MOMENTS:
        done = cifar(*COMMAND, before=stopping(**how))
        status = STATUS[how.get("number", signal.SIGTERM)]
        assert (done.status, done.stderr) == (status, ""), said
        assert done.stdout.splitlines()[-1] == said + ON
        assert left_by(run) == left, said
        assert not (run / ".lock").exists()
    assert_same_end(run, short)
    assert_same_results(run, short)
    assert_same_answers(run, short)
    assert_nothing_is_left_over(run)


def test_what_is_evaluated_is_kept(used, cifar):
    (used / "results.json").unlink()
    where = "uncertainty_runs.evaluation.cache:Evaluated.evaluate"
    done = cifar("--output_dir=run", before=stopping(where=where, call=4))
    assert done.stdout.splitlines()[-1] == "Stopped in the evaluation." + ON
    assert len(list((used / "evaluated").iterdir())) == 4
    assert not (used / "results.json").exists()


def test_evaluate_stops_and_keeps_what_it_has(used):
    script = processes.CIFAR.with_name("evaluate.py")
    where = "uncertainty_runs.evaluation.cache:Evaluated.evaluate"
    done = processes.run(
        ["--runs=run", "--output_dir=ours"],
        used.parent,
        processes.together(processes.few, stopping(where=where, call=4)),
        script,
    )
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == "Stopped in the evaluation." + ON + "\n"
    ours = used.parent / "ours"
    assert [path.name for path in ours.iterdir()] == ["evaluated"]
    assert len(list((ours / "evaluated").iterdir())) == 4


@pytest.mark.parametrize("number", STATUS)
def test_before_a_run_begins_it_ends_in_one_line(cifar, tmp_path, number):
    where = "uncertainty_runs.common.models.create_model"
    done = cifar(*COMMAND, before=stopping(number, where=where, call=1))
    said = "cifar.py: interrupted.\n"
    assert (done.status, done.stdout, done.stderr) == (128 + number, "", said)
    assert not (tmp_path / "run").exists()
