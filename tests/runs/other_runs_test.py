"""A run goes on from its own checkpoints only, and destroys no other files."""

import json
import shutil

from tests.runs import processes
from tests.runs.ends import left_by

EVALUATE = processes.CIFAR.with_name("evaluate.py")
WORDS = "epoch_000003.npz of another, with seed=42 instead of 43. Choose"


def _line(done):
    assert done.status == 2, done
    (said,) = done.stderr.splitlines()
    return said


def test_the_checkpoints_of_another_seed_are_refused(used, cifar):
    flags = json.loads((used / "flags.json").read_text())
    (used / "flags.json").write_text(json.dumps(flags | {"seed": 43}))
    before = left_by(used)
    for more in ([], ["--eval_only"]):
        assert WORDS in _line(cifar("--output_dir=run", "--seed=43", *more))
    flags = ["--runs=run", "--suite=test"]
    done = processes.run(flags, used.parent, None, EVALUATE)
    assert WORDS in _line(done)
    assert left_by(used) == before
    # Also in a new folder, and nothing is trained over them.
    new = used.parent / "new"
    shutil.copytree(used / "checkpoints", new / "checkpoints")
    said = _line(cifar("--output_dir=new", "--ensemble_size=2"))
    assert "of another" in said or "of other shapes" in said
    assert left_by(new) == ["epoch_000002.npz", "epoch_000003.npz"]


def test_an_export_that_is_not_ours_is_found_before_an_evaluation(used):
    (used / "saved_model" / "labels.csv").write_text("mine")
    flags = ["--runs=run", "--suite=test", "--export"]
    said = _line(processes.run(flags, used.parent, None, EVALUATE))
    assert "which holds fingerprint.pb, labels.csv, saved_model.pb" in said
    assert (used / "saved_model" / "labels.csv").read_text() == "mine"
