"""A killed run from a network ends as if never stopped, without its source."""

import functools

import keras
import pytest

from tests.runs import processes
from tests.runs.ends import assert_same_end, assert_same_results

STEP = "keras.callbacks:TensorBoard.on_train_batch_end"
FLAGS = ("--dataset=digits", "--train_examples=320", "--train_epochs=3")
FLAGS = (*FLAGS, "--method=batch_ensemble", "--ensemble_size=2")


@pytest.mark.large
def test_a_killed_run_goes_on_without_its_source(tmp_path):
    """starting_test.py has the start, and resume_test.py all moments."""

    def cifar(*flags, before=int):
        before = processes.together(processes.few, before)
        return processes.run(flags, tmp_path, before)

    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dense(6, activation="relu")(keras.layers.Flatten()(inputs))
    network = keras.Model(inputs, keras.layers.Dense(10)(x))
    source = tmp_path / "own.keras"
    network.save(source)
    flags = (*FLAGS, "--init_from=own.keras")
    whole, killed = (
        (*flags, f"--output_dir={name}") for name in ("whole", "run")
    )
    assert cifar(*whole).status == 0
    for call in (3, 15):
        how = functools.partial(processes.kill, STEP, call)
        assert cifar(*killed, before=how).status == -9
        source.unlink(missing_ok=True)
    done = cifar(*killed, "--noise=0.3")
    assert done.status != 0 and "noise" in done.stderr
    done = cifar(*killed)
    assert (done.status, done.stderr) == (0, "")
    assert_same_end(tmp_path / "run", tmp_path / "whole")
    assert_same_results(tmp_path / "run", tmp_path / "whole")
