"""Snapshot ensembles from the command line: kept epochs, and their use."""

import pathlib
import types

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import data
from mimo_keras.errors import InputError
from tests.methods import small
from uncertainty_runs import evaluate
from uncertainty_runs.common import config, models, snapshots
from uncertainty_runs.evaluation import saved_models

GIVEN = dict.fromkeys(("num_bins", "average", "corrupted_examples"))
GIVEN |= dict.fromkeys(("data_dir", "require", "skip_bad_records"), None)


@pytest.fixture
def resolve(parse):
    def values(*line):
        parse("--dataset=digits", "--method=deterministic", *line)
        return config.resolve()

    return values


def create(backbone="mlp_4"):
    return mimo_keras.create_model(
        "deterministic",
        backbone=backbone,
        input_shape=(8, 8, 1),
        num_classes=10,
    )


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Three models, and the folder of their files."""
    monkeypatch.chdir(tmp_path)
    found = [create() for _ in range(3)]
    pathlib.Path("kept").mkdir()
    for index, model in enumerate(found):
        model.save(f"kept/epoch_{index * 5:06}.keras")
    pathlib.Path("kept/notes.txt").touch()
    return found


def test_the_rate_falls_in_each_cycle(resolve):
    values = resolve("--snapshots=2", "--train_epochs=6")
    optimizer = models.build_optimizer(values, models.Steps(32, 10))
    rates = []
    for step in range(60):
        optimizer.iterations.assign(step)
        rates.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    # 0.12 for 128 images; a cycle has three epochs of ten steps.
    wanted = 0.015 * (1 + np.cos(np.pi * np.arange(30) / 30))
    np.testing.assert_allclose(rates, [*wanted, *wanted], rtol=1e-4, atol=1e-8)
    assert resolve("--train_epochs=7").snapshots == 0
    with pytest.raises(InputError, match="multiple.*=7, snapshots=2"):
        resolve("--snapshots=2", "--train_epochs=7")


def test_models_are_kept_at_the_ends_of_cycles(resolve, tmp_path):
    values = resolve("--snapshots=2", "--train_epochs=6")
    model, seen = create(), []
    for writes in (False, True):
        callback = snapshots.SnapshotsCallback(values, tmp_path, writes)
        callback.set_model(model)
        for epoch in range(6):
            model.network.get_layer("heads").bias.assign(
                np.full(10, epoch, "float32")
            )
            callback.on_epoch_end(epoch)
        seen.append([*(tmp_path / "snapshots").glob("*")])
    assert seen[0] == [] and len(seen[1]) == 2
    for path, bias in zip(
        saved_models.files_of([tmp_path / "snapshots"]), (2, 5), strict=True
    ):
        assert path.endswith(f"epoch_{bias + 1:06}.keras")
        loaded = keras.saving.load_model(path)
        found = small.numpy(loaded.network.get_layer("heads").bias)
        np.testing.assert_array_equal(found, np.full(10, bias))
    ensemble = mimo_keras.assemble(
        saved_models.files_of([tmp_path / "snapshots"])
    )
    assert len(ensemble.log_weights) == 2


def test_a_folder_stands_for_its_models_and_they_have_a_mean(kept):
    f = types.SimpleNamespace(
        models=["kept"], dataset="digits", download_data=False, **GIVEN
    )
    f.average_weights = False
    _, record, members, _ = evaluate.of_files(f)
    names = [f"kept/epoch_{n:06}.keras" for n in (0, 5, 10)]
    assert record["models"] == names and len(members) == 3
    assert "average_weights" not in record
    f.average_weights = True
    _, other, [average], _ = evaluate.of_files(f)
    assert evaluate._identity(other) != evaluate._identity(record)
    kernels = [model.network.get_layer("heads").kernel for model in kept]
    wanted = np.mean([small.numpy(kernel) for kernel in kernels], axis=0)
    small.assert_close(average.network.get_layer("heads").kernel, wanted)


def test_what_has_no_mean_is_answered_in_one_line(kept):
    pathlib.Path("empty").mkdir()
    with pytest.raises(InputError, match="snapshots. Received: models=empty"):
        saved_models.files_of(["empty"])
    f = types.SimpleNamespace(runs=["a"], models=[], output_dir=None)
    f.average_weights = True
    with pytest.raises(InputError, match="--average_weights with --models"):
        evaluate.output_dir(f)
    photographs = types.SimpleNamespace(dataset="imagenet2012")
    with pytest.raises(InputError, match="a data set in memory"):
        saved_models.averaged(kept, photographs)
    assert data.get("digits").in_memory
