"""Two workers on one machine train like one process with the same rows."""

import json

import numpy as np
import pytest

from mimo_keras.training.distribute import distribution
from tests.training import networks, short_runs, subprocesses
from tests.training.distribute import worker_runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder in which two workers trained and saved their results."""
    folder = tmp_path_factory.mktemp("workers")
    command = ["-m", "tests.training.distribute.worker_runs", folder]
    ended = subprocesses.workers(
        [[*command, folder / index] for index in "01"], folder, timeout=480
    )
    for status, _, said in ended:
        assert status == 0, said
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return [
        json.loads((folder / index / "found.json").read_text())
        for index in "01"
    ]


def weights(folder, index, method):
    with np.load(folder / index / f"{method}.npz") as arrays:
        return [arrays[name] for name in arrays.files]


@pytest.mark.large
def test_each_worker_has_its_part_of_what_one_process_would_see(found):
    whole = worker_runs.rows_seen(distribution.make_strategy())
    parts = np.concatenate([each["seen"] for each in found], axis=2)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.large
def test_one_is_the_chief_and_all_meet(found):
    assert [each["chief"] for each in found] == [True, False]
    assert [each["replicas"] for each in found] == [2, 2]
    assert [each["met"] for each in found] == [[0, 1], [0, 1]]


@pytest.mark.large
@pytest.mark.parametrize(
    ("method", "num_cores"), [("mimmo", 2), ("deterministic", 0)]
)
def test_the_workers_end_as_one_process(
    two_cpus, folder, found, tmp_path, method, num_cores
):
    """With as many devices, or with one if replicas draw no rows."""
    first, second = (weights(folder, index, method) for index in "01")
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    strategy = distribution.make_strategy(num_cores=num_cores)
    assert strategy.num_replicas_in_sync == max(num_cores, 1)
    model = worker_runs.create(method, strategy)
    rows = worker_runs.train(model, tmp_path)
    for one, other in zip(first, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    _assert_same_rows(found, method, rows)


def _assert_same_rows(found, method, rows):
    """Losses, metrics, validation and rates equal those of one process."""
    for each in found:
        for row, wanted in zip(each["rows"][method], rows, strict=True):
            assert list(row) == list(wanted)
            np.testing.assert_allclose(
                list(row.values()), list(wanted.values()), rtol=1e-4
            )


@pytest.mark.large
@pytest.mark.parametrize("method", worker_runs.SETTINGS)
def test_the_chief_alone_writes(folder, method):
    names = sorted(path.name for path in (folder / method).iterdir())
    assert names == ["checkpoints", "metrics.csv", "tensorboard"]
    assert len(short_runs.table(folder / method)) == worker_runs.EPOCHS
    events = list((folder / method / "tensorboard" / "train").iterdir())
    assert len(events) == 1


@pytest.mark.large
def test_workers_that_do_not_share_a_folder_are_reported(found):
    assert {each["apart"] for each in found} == {
        "Expected the same number of finished epochs in all workers. "
        "Received: number of finished epochs=0, 2. Give all workers one "
        "output_dir that they share."
    }


@pytest.mark.large
def test_a_loss_that_is_not_finite_stops_all_workers(found):
    for each in found:
        assert each["wild"].startswith("Expected a finite loss. Received: ")


def test_without_workers_fit_is_kerass_own():
    model = networks.create("deterministic", 1)
    model.compile("sgd")
    images = networks.examples(4)
    model.fit(images.images, images.labels, verbose=0)
    assert model.train_function.__module__.startswith("keras.")
