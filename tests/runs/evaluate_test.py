"""evaluate.py on digits: runs, files, and several as one ensemble."""

import json
import re

import numpy as np
import pytest

from tests.runs import outputs, processes
from uncertainty_runs.common import models, run_data

EVALUATE = processes.CIFAR.with_name("evaluate.py")
SAME = ("accuracy", "nll", "ece", "brier")


@pytest.fixture
def results(short):
    """The results of the run itself."""
    return outputs.results(short)


@pytest.fixture
def evaluated(used):
    """A function that evaluates, and returns the results in a folder."""

    def run(*flags, folder="ours"):
        flags = [f"--output_dir={folder}", *flags]
        done = processes.run(flags, used.parent, processes.few, EVALUATE)
        assert done.status == 0, done.stderr
        assert (used.parent / folder / "report.html").exists()
        return outputs.results(used.parent / folder)

    return run


@pytest.fixture
def saved(used):
    """The model of the run, as a .keras file."""
    config = models.recorded(used)
    model, _ = models.load_run(used, config, run_data.load(config, "test"))
    model.save(used.parent / "model.keras")
    return "model.keras"


def check_same(found, wanted):
    for part in ("test", "corrupted", "corrupted/contrast_3"):
        for name in SAME:
            key = f"{part}/{name}"
            np.testing.assert_allclose(found[key], wanted[key], rtol=1e-6)


def test_a_run_again_and_twice_as_one_ensemble(evaluated, results):
    check_same(evaluated("--runs=run", folder="once"), results)
    twice = evaluated("--runs=run,run", "--suite=corrupted", folder="twice")
    check_same(twice, results)
    # The members of both, at the cost of both.
    members = [key for key in twice if re.match(r"test/nll_member_\d", key)]
    assert len(members) == 2 * 3
    assert twice["cost/params"] == 2 * results["cost/params"]
    assert not any(key.startswith("ood/") for key in twice)


def test_a_file_gives_what_the_run_gives(evaluated, saved, results):
    found = evaluated(f"--models={saved}", "--dataset=digits")
    check_same(found, results)
    key = "ood/sample_images/auroc"
    np.testing.assert_allclose(found[key], results[key], rtol=1e-6)


def test_other_classes_are_one_line(used, saved):
    done = processes.run(
        [f"--models={saved}", "--dataset=imagenet2012", "--output_dir=x"],
        used.parent,
        None,
        EVALUATE,
    )
    assert done.status == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (used.parent / "x").exists()


def test_new_results_are_added_to_those_that_are_there(used, evaluated):
    before = outputs.results(used)
    kept = {"test/mine": 1.0, **before}
    (used / "results.json").write_text(json.dumps(kept))
    found = evaluated("--runs=run", "--suite=ood", folder="run")
    assert found["test/mine"] == 1.0
    assert found.keys() == kept.keys()


def test_results_of_other_weights_are_not_used(used, evaluated, results):
    evaluated("--runs=run", "--suite=test", folder="run")
    path = used / "evaluated" / "test.npz"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    record = json.loads(arrays["record"].tobytes())
    record[0] = "other"
    arrays["record"] = np.frombuffer(json.dumps(record).encode(), np.uint8)
    arrays["correct"] = arrays["correct"] * 0
    np.savez(path, **arrays)
    check = evaluated("--runs=run", "--suite=test", folder="run")
    assert check["test/accuracy"] == results["test/accuracy"] > 0
    # A damaged file counts as missing.
    path.write_bytes(path.read_bytes()[:-100])
    check = evaluated("--runs=run", "--suite=test", folder="run")
    assert check["test/accuracy"] == results["test/accuracy"]
