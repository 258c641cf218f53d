"""The ensemble of finished runs: its members are their last checkpoints."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.errors import InputError
from mimo_keras.training.checkpoints import Checkpoints
from tests.runs import processes
from uncertainty_runs import evaluate
from uncertainty_runs.common import config, models

EVALUATE = processes.CIFAR.with_name("evaluate.py")


@pytest.fixture
def make_run(parse, tmp_path):
    """A function that creates a run's folder, as after its last epoch."""

    def make(name, *flags, **changes):
        parse("--dataset=digits", "--method=deterministic", *flags)
        values = config.resolve()
        values = dataclasses.replace(values, backbone="mlp_6")
        folder = tmp_path / name
        model = models.build_model(
            values, data.load("digits", "test"), unique=32, steps=1
        )
        Checkpoints(folder / "checkpoints").save(model, 1, [])
        flags_text = json.dumps(values.to_json() | changes)
        (folder / "flags.json").write_text(flags_text)
        return str(folder), model

    return make


def test_results_are_those_of_the_mean_of_the_runs(make_run, tmp_path):
    runs, members = zip(*(make_run(name) for name in "ab"), strict=True)
    done = processes.run(
        [f"--runs={','.join(runs)}", "--output_dir=out", "--suite=test"]
        + ["--export"],
        tmp_path,
        script=EVALUATE,
    )
    assert done.status == 0, done.stderr
    test = data.load("digits", "test")
    members = [
        keras.ops.convert_to_numpy(m.predictor()(test.images)["probabilities"])
        for m in members
    ]
    assert np.any(members[0] != members[1])
    mean = np.mean(members, axis=0)
    right = mean[np.arange(len(test)), test.labels]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["test/nll"] == pytest.approx(-np.log(right).mean(), rel=1e-5)
    wanted = -np.log(members[1][np.arange(len(test)), test.labels]).mean()
    assert results["test/nll_member_1"] == pytest.approx(wanted, rel=1e-5)
    flags = json.loads((tmp_path / "out" / "flags.json").read_text())
    assert (flags["method"], flags["ensemble_size"]) == ("deep_ensemble", 2)
    assert flags["runs"] == list(runs)
    assert (tmp_path / "out" / "report.html").exists()
    assert (tmp_path / "out" / "saved_model" / "saved_model.pb").exists()
    assert f"{results['test/nll']:.4f}" in done.stdout
    saved = keras.saving.load_model(tmp_path / "out" / "ensemble.keras")
    found = saved.predictor()(test.images)["probabilities"]
    found = keras.ops.convert_to_numpy(found)
    np.testing.assert_allclose(found, mean, rtol=1e-5, atol=1e-7)


def load(*runs):
    given = dict.fromkeys(
        ("data_dir", "download_data", "require", "skip_bad_records")
    )
    return evaluate.of_runs(types.SimpleNamespace(runs=runs, **given))


def test_what_is_no_run_is_refused(make_run, tmp_path):
    with pytest.raises(InputError, match="Expected a flags.json"):
        load(str(tmp_path / "missing"))
    run, _ = make_run("untrained")
    for checkpoint in (tmp_path / "untrained").glob("checkpoints/*"):
        checkpoint.unlink()
    with pytest.raises(
        InputError, match="Expected a checkpoint in .*untrained"
    ):
        load(run)


def test_runs_on_several_data_sets_are_refused(make_run):
    runs = [make_run("a")[0], make_run("b", dataset="cifar10")[0]]
    with pytest.raises(InputError) as caught:
        load(*runs)
    assert str(caught.value) == (
        f"Expected runs on digits, like the first. Received: {runs[1]} on "
        "cifar10. Name runs on one data set."
    )
