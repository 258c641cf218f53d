"""Every user error is reported in one line, and loses nothing."""

import numpy as np
import pytest

from tests.runs import outputs, processes

# Words of the message: expected, received, what to do.
FLAGS = {
    "--method=bagging": [
        "a method with a recipe for digits",
        "deterministic, dun, early_exit, ",
        "method='bagging'. Choose one",
    ],
    "--dataset=svhn": ["--dataset=svhn", "<cifar10|cifar100|digits"],
    "--backbone=resnet_28": ["small_cnn[_{width}]", "backbone='resnet_28'"],
    "--backbone={depth": ["a backbone among", "backbone='{depth'"],
    "--width_multiplier=0": ["width of at least 1", "small_cnn_0. Use"],
    "--ensemble_size=0": ["at least 1", "ensemble_size=0. Use 1"],
    "--method=deterministic --ensemble_size=3": [
        "ensemble_size=1 for method deterministic",
        "ensemble_size=3. Choose another",
    ],
    "--method=deterministic --batch_repetitions=4": [
        "no --batch_repetitions for method deterministic",
        "batch_repetitions=4. Leave it out",
    ],
    "--input_repetition_probability=1.5": [
        "in [0, 1]",
        "input_repetition_probability=1.5. It is the share",
    ],
    "--shuffle_group=-1": ["--shuffle_group=-1", "[0, 2147483647]"],
    "--method=deterministic --shuffle_group=8": [
        "no --shuffle_group for method deterministic",
        "shuffle_group=8. Leave it out",
    ],
    "--per_core_batch_size=130": [
        "divisible by batch_repetitions times devices",
        "rows=130, batch_repetitions=4, devices=1. Change",
    ],
    "--num_cores=3": ["rows=128, batch_repetitions=4, devices=3. Change"],
    "--num_cores=-1": ["--num_cores=-1", "[0, 2147483647]"],
    "--per_core_batch_size=1284": [
        "at most 320 unique images per step",
        "321. Lower --per_core_batch_size",
    ],
    "--batch_repetitions=0": ["--batch_repetitions=0", "[1, 1000]"],
    "--train_epochs=many": ["--train_epochs=many", "'many'"],
    "--lr_decay_epochs=a,b": [
        "whole numbers",
        "lr_decay_epochs=a,b. For example: --lr_decay_epochs=80,160,180",
    ],
    "--train_epochs=20 --lr_decay_epochs=180,80": [
        "ascending order",
        "Sort them",
    ],
    "--l2=-1": ["--l2=-1", "non-negative"],
    "--seed=-1": ["--seed=-1", "[0, 4294967295]"],
    "--use_tpu": ["a TPU in this machine", "use_tpu=True", "Leave out"],
    "--use_tpu --tpu=grpc://127.0.0.1:9": ["a TPU that answers", "Leave out"],
    "--use_gpu --use_tpu": ["--use_tpu or --use_gpu", "Choose one"],
    "--dataset=cifar10 --data_dir=here": [
        "the prepared TFDS data set cifar10",
        "no data in ",
        "--data_dir=FOLDER",
        "--download_data to fetch it. Or take --dataset=digits",
    ],
    "--ensemble_sizes=3": ["'ensemble_sizes'. Did you mean: ensemble_size ?"],
    "digits": ["flags only", "'digits'. Write it as --name=value."],
    "--eval_only": [
        "a trained run in --output_dir",
        "output_dir=out without flags.json. Train first",
    ],
    "--output_dir=file": [
        "a writable --output_dir",
        "output_dir=file (File exists)",
    ],
    "--output_dir=file/out": [
        "a writable --output_dir",
        "(Not a directory). Choose",
    ],
}


def line(done):
    """Returns the error line of a process that failed properly."""
    assert (done.status, done.stdout) == (2, ""), done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("cifar.py: error: ")
    return said


def contents(folder):
    """Returns the bytes of every file in a folder, by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.mark.parametrize("flags", FLAGS)
def test_bad_flags_are_reported_and_no_folder_is_made(cifar, tmp_path, flags):
    (tmp_path / "file").touch()
    said = line(cifar("--output_dir=out", *flags.split()))
    for words in FLAGS[flags]:
        assert words in said
    assert not (tmp_path / "out").exists()


def test_a_plain_process_says_no_more(tmp_path):
    done = processes.run_plainly(["--dataset=digits", "--use_gpu"], tmp_path)
    said = line(done)
    assert "a GPU that TensorFlow can see" in said
    assert "GPUs found=0. Install tensorflow[and-cuda], or leave out" in said
    assert not list(tmp_path.iterdir())


def test_a_download_without_network_is_reported(cifar):
    said = line(
        cifar(
            *("--dataset=cifar10", "--data_dir=here", "--download_data"),
            before=processes.without_network,
        )
    )
    assert "no answer from https://" in said and "--data_dir=FOLDER" in said
    assert "--dataset=digits, which needs no network" in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--seed=43"], "--seed=43 (was 42)"),
        (
            ["--method=deterministic", "--train_epochs=5"],
            '--method="deterministic" (was "mimo"), --train_epochs=5 (was 3)',
        ),
    ],
)
def test_a_used_folder_keeps_its_flags(cifar, used, more, words):
    before = contents(used)
    said = line(cifar("--output_dir=run", *more))
    assert "the flags that run was created with" in said and words in said
    assert "Give the same flags to resume, or choose another" in said
    assert contents(used) == before


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_flags_that_cannot_be_read_are_reported(cifar, used, content):
    (used / "flags.json").write_text(content)
    before = contents(used)
    said = line(cifar("--output_dir=run"))
    assert "the flags of a run in run/flags.json" in said
    assert "without a JSON object" in said and "another --output_dir" in said
    assert contents(used) == before


def test_a_run_without_its_last_checkpoint_cannot_be_evaluated(cifar, used):
    (used / "checkpoints" / "epoch_000003.npz").unlink()
    said = line(cifar("--output_dir=run", "--eval_only"))
    assert "a finished run in run" in said and "epoch 2 of 3. Run its" in said
    assert "or add --allow_unfinished" in said
    for path in used.glob("checkpoints/*"):
        path.unlink()
    said = line(cifar("--output_dir=run", "--eval_only"))
    assert "a checkpoint in run" in said and "Leave out --eval_only" in said


def test_damaged_checkpoints_alone_are_reported(cifar, used):
    for path in used.glob("checkpoints/*"):
        path.write_bytes(b"PK\x03\x04")
    done = cifar("--output_dir=run")
    *warnings, said = done.stderr.splitlines()
    assert done.status == 2 and len(warnings) == 2
    for warning, epoch in zip(warnings, (3, 2), strict=True):
        assert f"epoch_00000{epoch}.npz cannot be read" in warning
    assert said.startswith("cifar.py: error: Expected a readable checkpoint")


@pytest.fixture
def diverging():
    """Flags of a run whose second epoch makes the weights explode."""
    return ["--lr_decay_epochs=67", "--lr_decay_ratio=1e12", "--output_dir=out"]


def test_a_loss_that_is_not_finite_stops_the_run(cifar, tmp_path, diverging):
    done = cifar(*diverging)
    assert done.status == 3
    (said,) = done.stderr.splitlines()
    assert "cifar.py: error: Expected a finite loss. Received: " in said
    assert "in epoch 2. Lower --base_learning_rate" in said
    out = tmp_path / "out"
    (kept,) = (out / "checkpoints").iterdir()
    assert kept.name == "epoch_000001.npz"
    with np.load(kept) as arrays:
        assert all(np.isfinite(arrays[name]).all() for name in arrays.files)
    assert [row["epoch"] for row in outputs.rows(out)] == ["1"]
    before = contents(out)
    # The same command stops again, and nothing is lost.
    assert cifar(*diverging).stderr.splitlines() == [said]
    after = contents(out)
    assert all(
        after[path] == before[path]
        for path in before
        if path.suffix in (".npz", ".csv", ".json")
    )


def test_weights_that_explode_in_the_last_step_are_not_kept(cifar, tmp_path):
    """The epoch's loss is then finite: it is that of earlier weights."""
    done = cifar(
        *("--train_epochs=1", "--lr_warmup_epochs=0", "--output_dir=out"),
        *("--lr_decay_epochs=", "--per_core_batch_size=1280"),
        "--base_learning_rate=1e30",
    )
    assert done.status == 3
    (said,) = done.stderr.splitlines()
    assert "Expected a finite loss. Received: val_loss=nan in epoch 1." in said
    assert not list((tmp_path / "out").glob("checkpoints/*"))
