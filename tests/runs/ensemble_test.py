"""The ensemble of finished runs: its members are their last checkpoints."""

import dataclasses
import json
import pathlib
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
from uncertainty_runs.evaluation import predict

EVALUATE = processes.CIFAR.with_name("evaluate.py")


@pytest.fixture
def make_run(parse, tmp_path):
    """A function that creates a run's folder, as after its last epoch."""

    def make(name, *flags, epoch=None, **changes):
        parse("--dataset=digits", "--method=deterministic", *flags)
        values = config.resolve()
        values = dataclasses.replace(values, backbone="mlp_6")
        folder = tmp_path / name
        model = models.build_model(
            values, data.load("digits", "test"), unique=32, steps=1
        )
        epochs = values.train_epochs if epoch is None else epoch
        Checkpoints(folder / "checkpoints").save(model, epochs, [])
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


def load(*runs, **changes):
    given = dict.fromkeys(
        ("data_dir", "download_data", "require", "skip_bad_records")
    )
    given |= dict.fromkeys(("num_bins", "average", "corrupted_examples"))
    given |= {"allow_unfinished": False}
    given |= changes
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


def test_a_run_that_is_not_finished_is_refused_unless_asked_for(make_run):
    whole = make_run("whole")[0]
    part, _ = make_run("part", epoch=3)
    epochs = models.recorded(part).train_epochs
    with pytest.raises(InputError) as caught:
        load(whole, part)
    assert str(caught.value) == (
        f"Expected a finished run in {part}. Received: epoch 3 of {epochs}. "
        "Run its training command again to finish it, or add "
        "--allow_unfinished."
    )
    *_, trained = load(whole, part, allow_unfinished=True)
    assert trained == {"epoch": 3, "epochs": epochs}
    *_, trained = load(whole)
    assert trained == {"epoch": epochs, "epochs": epochs}


def test_a_damaged_last_checkpoint_leaves_a_run_unfinished(make_run, tmp_path):
    run, model = make_run("run")
    epochs = models.recorded(run).train_epochs
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints")
    last = checkpoints.save(model, epochs, [])
    checkpoints.save(model, epochs - 1, [])
    last.write_bytes(last.read_bytes()[:-10])
    with pytest.raises(InputError, match=f"epoch {epochs - 1} of {epochs}"):
        load(run)


def checked(folder, record, *runs):
    evaluate.check_folder(pathlib.Path(folder), record, list(runs))


def test_results_go_to_no_other_network_s_folder(make_run, tmp_path):
    a, b = (make_run(name)[0] for name in "ab")
    other = make_run("other", seed=7)[0]
    ensemble = load(a, b)[1]
    for folder in (a, f"{tmp_path}/./b", other):
        with pytest.raises(InputError, match="output_dir="):
            checked(folder, ensemble, a, b)
    with pytest.raises(InputError, match="the flags.json of others in it"):
        checked(other, load(a)[1], a)
    # Its own folder, a new one, and one with the same networks' results.
    checked(a, load(a)[1], a)
    checked(tmp_path / "new", ensemble, a, b)
    out = tmp_path / "out"
    out.mkdir()
    (out / "flags.json").write_text(json.dumps(ensemble))
    checked(out, ensemble, a, b)
    with pytest.raises(InputError, match="the flags.json of others in it"):
        checked(out, load(b, a)[1], b, a)
    (out / "flags.json").unlink()
    (out / "report.html").write_text("mine")
    with pytest.raises(InputError, match="report.html in it"):
        checked(out, ensemble, a, b)


def test_results_of_other_weights_are_replaced_whole_or_not_at_all(
    make_run, tmp_path
):
    members = [make_run(name)[1] for name in "ab"]
    out = tmp_path / "out"
    out.mkdir()
    number = predict.as_number(predict.fingerprint(members[0]))
    assert number != predict.as_number(predict.fingerprint(members[1]))
    found = {"weights/fingerprint": number, "test/nll": 0.5}
    (out / "results.json").write_text(json.dumps(found))
    np.savez(out / "arrays.npz", risk=np.ones(2))
    for whole in (False, True):
        results, arrays = evaluate.kept(out, members[0], whole)
        assert results.flat() == found and arrays.keys() == {"risk"}
    results, arrays = evaluate.kept(out, members[1], True)
    assert (results.flat(), arrays) == ({}, {})
    with pytest.raises(InputError, match="results.json of other weights. Le"):
        evaluate.kept(out, members[1], False)
    # Those of an older version do not say.
    del found["weights/fingerprint"]
    (out / "results.json").write_text(json.dumps(found))
    assert evaluate.kept(out, members[1], False)[0].flat() == found


def test_results_of_averaged_logits_and_probabilities_never_mix(
    make_run, tmp_path
):
    members, out = [make_run("a")[1]], tmp_path / "out"
    out.mkdir()
    flat = {"test/nll": 0.5, "evaluation/averaged_logits": 1}
    (out / "results.json").write_text(json.dumps(flat))
    assert evaluate.kept(out, members, False, "logits")[0].flat() == flat
    assert evaluate.kept(out, members, True)[0].flat() == {}
    with pytest.raises(InputError, match="--average=prob.*averaged logits. L"):
        evaluate.kept(out, members, False)
    # Those of older versions averaged probabilities.
    (out / "results.json").write_text(json.dumps({"test/nll": 0.5}))
    assert evaluate.kept(out, members, False)[0].test == {"nll": 0.5}
    with pytest.raises(InputError, match="from averaged probabilities"):
        evaluate.kept(out, members, False, "logits")


def test_results_of_several_numbers_of_bins_never_mix(make_run, tmp_path):
    members, out = [make_run("a")[1]], tmp_path / "out"
    out.mkdir()
    flat = {"test/ece": 0.5, "evaluation/num_bins": 20}

    def kept(whole, num_bins):
        found, _ = evaluate.kept(out, members, whole, num_bins=num_bins)
        return found.flat()

    (out / "results.json").write_text(json.dumps(flat))
    assert kept(False, 20) == flat and kept(True, 15) == {}
    with pytest.raises(InputError, match="--num_bins=15 .* of 20 bins. L"):
        kept(False, 15)
    # Those of older versions have the bins of the run.
    del flat["evaluation/num_bins"]
    (out / "results.json").write_text(json.dumps(flat))
    (out / "flags.json").write_text(json.dumps({"num_bins": 30}))
    assert kept(False, 30) == flat
    with pytest.raises(InputError, match="of 30 bins"):
        kept(False, 15)


def test_runs_on_several_data_sets_are_refused(make_run):
    runs = [make_run("a")[0], make_run("b", dataset="cifar10")[0]]
    with pytest.raises(InputError) as caught:
        load(*runs)
    assert str(caught.value) == (
        f"Expected runs on digits, like the first. Received: {runs[1]} on "
        "cifar10. Name runs on one data set."
    )
