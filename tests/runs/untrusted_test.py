"""Untrusted files are rejected in one line; their code never runs."""

import functools
import shutil
import sys

import numpy as np
import pytest

import mimo_keras
from tests import hostile
from tests.runs import processes

EVALUATE, ANALYZE = (
    processes.CIFAR.with_name(f"{name}.py") for name in ("evaluate", "analyze")
)


def refused(script, flags, folder):
    """Runs a script that can import modules in the folder.

    Returns:
        Its error line.
    """
    before = functools.partial(sys.path.insert, 0, str(folder))
    done = processes.run(flags, folder, before, script)
    *warnings, said = done.stderr.splitlines()
    assert done.status == 2, done.stderr
    assert said.startswith(f"{script.name}: error: Expected ")
    assert all(
        "WARNING" in line or "cannot be read" in line for line in warnings
    )
    return said


def test_the_code_of_the_attacks_does_leave_a_mark(tmp_path):
    mark = hostile.module(tmp_path)
    sys.path.insert(0, str(tmp_path))
    try:
        __import__(hostile.MODULE)
        assert mark.exists()
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop(hostile.MODULE)
    mark.unlink()
    hostile.npz_file(tmp_path / "a.npz", mark)
    with np.load(tmp_path / "a.npz", allow_pickle=True) as file:
        file["hostile"]
    assert mark.exists()


@pytest.mark.parametrize("attack", hostile.ATTACKS)
def test_a_model_with_code_of_its_own_is_refused(tmp_path, attack):
    mark = hostile.module(tmp_path)
    hostile.keras_file(tmp_path / "bad.keras", attack)
    flags = ["--models=bad.keras", "--dataset=digits", "--output_dir=out"]
    said = refused(EVALUATE, flags, tmp_path)
    assert "a model saved as .keras" in said and "bad.keras (" in said
    assert not mark.exists() and not (tmp_path / "out").exists()


def test_a_model_that_claims_more_weights_than_it_has_is_refused(tmp_path):
    path = tmp_path / "bad.keras"
    mimo_keras.create_model(
        "deterministic", backbone="mlp_4", input_shape=(3,), num_classes=3
    ).save(path)
    hostile.claim_weights(path, 10**11)
    flags = ["--models=bad.keras", "--dataset=digits", "--output_dir=out"]
    said = refused(EVALUATE, flags, tmp_path)
    assert "bad.keras (model.weights.h5 claims 100000000" in said
    assert not (tmp_path / "out").exists()


def test_other_ways_to_save_a_model_are_refused(tmp_path):
    (tmp_path / "model.h5").touch()
    flags = ["--models=model.h5", "--dataset=digits", "--output_dir=out"]
    assert "model.h5 (another ending)" in refused(EVALUATE, flags, tmp_path)


def test_checkpoints_with_pickles_are_refused(used, tmp_path):
    mark = tmp_path / hostile.MARK
    for path in used.glob("checkpoints/*"):
        hostile.npz_file(path, mark)
    flags = ["--runs=run", "--output_dir=out"]
    said = refused(EVALUATE, flags, tmp_path)
    assert "a readable checkpoint in run/checkpoints" in said
    assert not mark.exists()


def test_arrays_with_pickles_are_refused(used, tmp_path):
    mark = tmp_path / hostile.MARK
    hostile.npz_file(used / "arrays.npz", mark)
    flags = ["--runs=run", "--suite=test"]
    assert "a whole arrays.npz" in refused(EVALUATE, flags, tmp_path)
    hostile.npz_file(used / "trajectory.npz", mark, epochs=np.arange(2))
    flags = ["--run_dir=run", "--figure=trajectories"]
    assert "a whole trajectory.npz" in refused(ANALYZE, flags, tmp_path)
    assert not mark.exists()


def test_kept_results_with_pickles_are_made_again(used, tmp_path):
    mark = tmp_path / hostile.MARK
    shutil.rmtree(used / "evaluated", ignore_errors=True)
    (used / "evaluated").mkdir()
    hostile.npz_file(used / "evaluated" / "test.npz", mark)
    flags = ["--runs=run", "--suite=test"]
    done = processes.run(flags, tmp_path, processes.few, EVALUATE)
    assert done.status == 0 and "Evaluated again" in done.stderr
    assert not mark.exists()
