"""CIFAR from disk to results, on small sets in the published formats."""

import shutil

import numpy as np
import pytest

from mimo_keras import evaluation
from mimo_keras.data import fake
from tests import once, prepared_data
from tests.runs import outputs
from tests.runs.processes import FEW

SHAPE = (32, 32, 3)
TEST, SVHN, CORRUPTED = 40, 30, 20
TINY = (
    *("--train_epochs=1", "--backbone=wide_resnet_10_{width}"),
    *("--per_core_batch_size=64", "--train_examples=64", "--output_dir=out"),
)


def _split(count, classes, seed):
    found = fake.images(count, SHAPE, classes, seed)
    return found.images, found.labels


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Both CIFARs, SVHN, CIFAR-10-C and CIFAR-100-C, a few images each."""
    return once.made(tmp_path_factory, "cifar_data", _write)[0]


def _write(folder):
    for name, classes in (("cifar10", 10), ("cifar100", 100)):
        splits = {
            "train": _split(64, classes, 1),
            "test": _split(TEST, classes, 2),
        }
        prepared_data.write(folder, name, splits)
    svhn = {"test": _split(SVHN, 10, 3)}
    prepared_data.write(folder, "svhn_cropped", svhn)
    _write_cifar10_c(folder)
    _write_cifar100_c(folder / "CIFAR-100-C")


def _write_cifar10_c(folder):
    """Writes a set for each severity, and copies it to the other types."""
    for severity in FEW["severities"]:
        first, *others = (f"{t}_{severity}" for t in FEW["types"])
        written = prepared_data.write(
            folder,
            f"cifar10_corrupted/{first}",
            {"test": _split(CORRUPTED, 10, 10 + severity)},
        )
        for other in others:
            copy = folder / "cifar10_corrupted" / other / written.name
            shutil.copytree(written, copy)
            info = copy / "dataset_info.json"
            info.write_text(info.read_text().replace(first, other))


def _write_cifar100_c(folder):
    folder.mkdir()
    images, labels = _split(5 * CORRUPTED, 100, 4)
    np.save(folder / "labels.npy", labels)
    for name in FEW["types"]:
        np.save(folder / f"{name}.npy", images)


@pytest.fixture
def run(cifar, data_dir, tmp_path):
    """A function that runs cifar.py and returns its output and results."""

    def trained(*flags, data_dir=data_dir):
        done = cifar(*TINY, f"--data_dir={data_dir}", *flags)
        assert done.status == 0, done.stderr
        out = tmp_path / "out"
        with np.load(out / "arrays.npz") as arrays:
            counts = {name: arrays[name] for name in arrays.files}
        return done.stderr, outputs.results(out), counts

    return trained


def _conditions(results):
    return {k.split("/")[1] for k in results if k.startswith("corrupted/")} - {
        *evaluation.METRICS,
        *(f"severity_{s}" for s in FEW["severities"]),
    }


# tests/data/corruptions_test.py covers all sets, and outcome_test.py the full
# suite of digits.
CONDITIONS = {f"{t}_{s}" for t in FEW["types"] for s in FEW["severities"]}


def test_cifar10_with_all_its_suites_and_with_a_part(run, data_dir, tmp_path):
    said, results, arrays = run("--dataset=cifar10")
    assert said == ""
    assert arrays["reliability_count"].sum() == TEST
    assert arrays["corrupted_reliability_count"].sum() == 4 * CORRUPTED
    assert _conditions(results) == CONDITIONS
    # Here all types have the same images, but severities differ.
    nll = [results[f"corrupted/severity_{s}/nll"] for s in FEW["severities"]]
    assert len(set(nll)) == 2
    np.testing.assert_allclose(results["corrupted/contrast_3/nll"], nll[0])
    np.testing.assert_allclose(results["corrupted/nll"], np.mean(nll))
    for name, count in (("svhn_cropped", SVHN), ("cifar100", TEST)):
        assert 0 <= results[f"ood/{name}/auroc"] <= 1
        assert arrays[f"ood_{name}_in"].shape == (TEST,)
        assert arrays[f"ood_{name}_out"].shape == (count,)

    part = tmp_path / "part"
    kept = ["cifar10"] + [
        f"cifar10_corrupted/{FEW['types'][0]}_{s}" for s in FEW["severities"]
    ]
    for name in kept:
        shutil.copytree(data_dir / name, part / name)
    said, again, arrays = run("--dataset=cifar10", "--eval_only", data_dir=part)
    missing = ("cifar10_corrupted/contrast_3", "svhn_cropped", "cifar100")
    for warning, name in zip(said.splitlines(), missing, strict=True):
        assert "is left out. Expected the prepared TFDS" in warning
        assert f"data set {name}. Received: no data in" in warning
    assert not any(k.startswith(("corrupted", "ood")) for k in again)
    assert not any(k.startswith(("corrupted", "ood")) for k in arrays)
    for name, value in again.items():
        if name != "cost/ms_per_example":
            assert results[name] == value


def test_cifar100_with_the_authors_files(run):
    said, results, arrays = run(
        "--dataset=cifar100", "--method=naive_multihead"
    )
    assert said == ""
    assert arrays["reliability_count"].sum() == TEST
    assert arrays["corrupted_reliability_count"].sum() == 4 * CORRUPTED
    assert _conditions(results) == CONDITIONS
    assert {k.split("/")[1] for k in results if k.startswith("ood/")} == {
        *("svhn_cropped", "cifar10"),
    }
    # WRN-10-1 by hand: the stem; a block of each width with its shortcut
    # (the first has none); batch norms; three heads of 100.
    blocks = sum(
        9 * (i * o + o * o) + (i * o if i != o else 0) + 2 * (i + o)
        for i, o in ((16, 16), (16, 32), (32, 64))
    )
    heads = 3 * (64 * 100 + 100)
    params = 27 * 16 + blocks + 2 * 64 + heads
    assert results["cost/params"] == params
