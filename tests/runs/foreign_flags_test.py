"""Uncertainty-Baselines' flags: the same meaning, or one line."""

import dataclasses
import re

import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.errors import InputError
from tests.runs import outputs, processes
from tests.stress import flag_sets
from uncertainty_runs.common import config, foreign_flags, models, run_data

DOCUMENT = processes.ROOT / "docs" / "uncertainty_baselines.md"


@pytest.fixture
def resolve(parse):
    """A function from a command line to its `RunConfig`."""

    def resolved(*line):
        parse(*line)
        return config.resolve()

    return resolved


@pytest.fixture(scope="module")
def known():
    return flag_sets.definitions(processes.CIFAR)


def test_a_flag_with_an_answer_is_none_of_ours(known):
    assert not {*foreign_flags.ANSWERS} & {*known}
    named = re.findall(r"--(\w+)", " ".join(foreign_flags.ANSWERS.values()))
    assert {*named} - {*known} == {"runs"}  # A flag of evaluate.py.


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--cifar100_c_path=here", "CIFAR-100-C, with its .npy files, in the"),
        ("--shuffle_buffer_size=9", "each epoch is shuffled as a whole."),
        ("--noaugmix", "it has no counterpart here."),
        ("--num_dropout_samples=3", "Write --samples."),
    ],
)
def test_the_answer_is_one_line(cifar, flag, said):
    done = cifar(flag)
    assert (done.status, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    name = flag.removeprefix("--").split("=")[0]
    assert "flags of this script. Received: Uncertainty-Baselines' --" in line
    assert name in line and said in line


def test_the_document_lists_them_all(known):
    rows = dict(
        re.findall(
            r"^\| `--(\w+)[^`]*` \| (.+) \|$", DOCUMENT.read_text(), re.M
        )
    )
    assert {*foreign_flags.ANSWERS} <= {*rows}
    taken = {*rows} - {*foreign_flags.ANSWERS}
    assert taken <= {*known} and "train_proportion" in taken
    for row in rows.values():
        assert {*re.findall(r"--(\w+)", row)} <= {
            *known,
            *("runs", "nodrop_remainder_for_eval"),
        }


def test_the_last_batch_is_always_evaluated(resolve):
    assert resolve("--nodrop_remainder_for_eval") == resolve()
    assert resolve("--drop_remainder_for_eval=false") == resolve()
    with pytest.raises(InputError, match="Leave out --drop_remainder_for_eval"):
        resolve("--drop_remainder_for_eval")


def test_momentum(resolve):
    steps = models.Steps(8, 2)
    for flag, momentum in ((), 0.9), (("--one_minus_momentum=0.25",), 0.75):
        optimizer = models.build_optimizer(resolve(*flag), steps)
        assert optimizer.momentum == momentum and optimizer.nesterov
    # As a hand may write it in flags.json: a whole number.
    edited = dataclasses.replace(resolve(), one_minus_momentum=1)
    assert models.build_optimizer(edited, steps).momentum == 0.0
    with pytest.raises(InputError, match="no --one_minus_momentum for a rec"):
        resolve(
            *("--recipe=mimmo", "--dataset=digits", "--method=mimmo"),
            "--one_minus_momentum=0.2",
        )


@pytest.mark.parametrize(
    ("count", "proportion", "held_out"),
    # 50000 (1 - 0.9) is less than 5000 in floating point, in theirs as well.
    [(50000, 0.9, 4999), (50000, 0.75, 12500), (1198, 0.9, 119), (3, 0.5, 1)],
)
def test_the_last_training_images_are_held_out(count, proportion, held_out):
    numbers = np.arange(count)
    images = numbers.astype(np.float32)[:, None]
    whole = data.Examples("numbers", images, numbers % 7, 7)
    train, others = run_data.parted(whole, proportion)
    np.testing.assert_array_equal(train.images, images[: count - held_out])
    np.testing.assert_array_equal(others.images, images[count - held_out :])
    np.testing.assert_array_equal(others.labels, numbers[-held_out:] % 7)


def test_all_or_an_empty_part(resolve):
    whole = data.Examples(
        "a", np.zeros((9, 1), np.float32), np.zeros(9, int), 7
    )
    assert run_data.parted(whole, 1.0) == (whole, None)
    for proportion in (0.999, 1e-17):
        with pytest.raises(InputError, match=f"train_proportion={proportion}"):
            run_data.parted(whole, proportion)
    with pytest.raises(InputError, match="train_proportion=0"):
        resolve("--train_proportion=0")


def test_a_run_with_held_out_images_few_bins_and_one_checkpoint(
    cifar, tmp_path
):
    done = cifar(
        *("--train_proportion=0.9", "--num_bins=5", "--checkpoint_interval=-1"),
        *("--train_epochs=2", "--output_dir=run", "--corruptions_interval=-1"),
    )
    assert (done.status, done.stderr) == (0, "")
    folder = tmp_path / "run"
    results, rows = outputs.results(folder), outputs.rows(folder)
    # The validation is on 119 of 1198 images.
    for name in ("accuracy", "nll"):
        np.testing.assert_allclose(
            float(rows[-1][f"val_{name}"]),
            results[f"val/{name}"],
            rtol=1e-5,
        )
        assert results[f"val/{name}"] != results[f"test/{name}"]
    right = results["val/accuracy"] * 119
    np.testing.assert_allclose(right, round(right), atol=1e-9)
    checkpoints = [path.name for path in (folder / "checkpoints").iterdir()]
    assert checkpoints == ["epoch_000002.npz"]
    with np.load(folder / "arrays.npz") as arrays:
        assert arrays["reliability_count"].shape == (5,)
    # Results of other bins never mix: they have a folder of their own.
    again = processes.run(
        ["--runs=run", "--suite=test", "--num_bins=15", "--output_dir=more"],
        tmp_path,
        script=processes.CIFAR.with_name("evaluate.py"),
    )
    assert (again.status, again.stderr) == (0, "")
    with np.load(tmp_path / "more" / "arrays.npz") as arrays:
        assert arrays["reliability_count"].shape == (15,)
    after = outputs.results(tmp_path / "more")
    assert after["test/nll"] == results["test/nll"]
    assert after["test/ece"] != results["test/ece"]


def test_photographs_are_not_parted(tmp_path):
    done = processes.run(
        ["--train_proportion=0.5"],
        tmp_path,
        script=processes.CIFAR.with_name("imagenet.py"),
    )
    assert done.status == 2
    assert "no --train_proportion: it is for data sets in mem" in done.stderr
