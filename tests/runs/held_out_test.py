"""Held-out training images: which they are, and that tuning reads no others."""

import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.data import known_sets, stratified
from mimo_keras.errors import InputError
from tests.runs import outputs, processes
from uncertainty_runs.common import config, run_data


@pytest.fixture
def resolve(parse):
    """A function from a command line to its `RunConfig`."""

    def resolved(*line):
        parse(*line)
        return config.resolve()

    return resolved


def numbered(count, classes=10):
    images = np.arange(count, dtype=np.float32)[:, None]
    labels = np.arange(count) % classes
    return data.Examples("numbers", images, labels, classes)


def numbers(examples):
    return examples.images[:, 0].astype(int).tolist()


def test_mimmo_holds_out_a_tenth(resolve):
    for dataset in ("cifar10", "cifar100"):
        found = resolve(f"--dataset={dataset}", "--recipe=mimmo")
        assert found.validation_share == 0.1
    train, held_out = run_data.parted(
        numbered(50_000), share=found.validation_share, seed=found.seed
    )
    assert (len(train), len(held_out)) == (45_000, 5_000)
    # What the user asks for takes the recipe's place.
    line = ("--dataset=cifar10", "--recipe=mimmo")
    assert resolve(*line, "--validation_share=0").validation_share == 0
    assert resolve(*line, "--train_proportion=0.9").validation_share == 0


def test_parts_are_the_ends_of_the_seeded_order():
    whole = numbered(40, classes=4)
    order = stratified.order(whole.labels, 7)
    train, held_out = run_data.parted(whole, share=0.2, seed=7)
    assert numbers(train) == sorted(order[:32])
    assert numbers(held_out) == sorted(order[32:])
    assert np.bincount(held_out.labels).tolist() == [2] * 4
    # Fewer to train on do not change which ones are held out.
    few, again = run_data.parted(whole, share=0.2, examples=12, seed=7)
    assert numbers(few) == sorted(order[:12])
    assert numbers(again) == numbers(held_out)
    few, none = run_data.parted(whole, examples=12, seed=7)
    assert numbers(few) == sorted(order[:12]) and none is None
    # Of Uncertainty-Baselines' first part.
    few, last = run_data.parted(whole, 0.5, examples=8, seed=7)
    assert max(numbers(few)) < 20 and numbers(last) == [*range(20, 40)]
    assert np.bincount(few.labels).tolist() == [2] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0.01}, "others to hold out.*validation_share=0.01.*0.1"),
        ({"share": 1.0}, "others to hold out.*validation_share=1.0"),
        ({"examples": 41}, "at most 40 images.*train_examples=41"),
        ({"share": 0.1, "examples": 37}, "at most 36 images.*train_exam"),
        ({"proportion": 0.5, "examples": 21}, "at most 20 images"),
    ],
)
def test_an_empty_part_is_one_line(options, message):
    with pytest.raises(InputError, match=message):
        run_data.parted(numbered(40), **options)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ["--train_proportion=0.9", "--validation_share=0.1"],
            "one of --train_proportion and --validation_share.",
        ),
        (["--tune"], "--tune with --validation_share or --train_proportion"),
        (["--tune", "--validation_share=0"], "Add --validation_share=0.1"),
    ],
)
def test_senseless_combinations_are_one_line(resolve, line, message):
    with pytest.raises(InputError, match=message):
        resolve(*line)


def test_any_method_takes_few_examples(resolve):
    """Some have an option of that name, which the data decides."""
    for method in ("mimo", "rank1_bnn"):
        found = resolve(
            f"--method={method}", "--dataset=digits", "--train_examples=64"
        )
        assert found.train_examples == 64
        options = found.method_options(train_examples=64)
        assert ("train_examples" in options) == (method == "rank1_bnn")


def _test_images_are_closed():
    """Makes this process fail if it reads a test set of any kind."""
    read = known_sets.get("digits").read

    def guarded(split, **where):
        assert split == "train", split
        return read(split, **where)

    for name in ("corrupted", "out_of_distribution", "shifted"):
        setattr(data, name, None)
    object.__setattr__(known_sets.get("digits"), "read", guarded)


def test_tuning_reads_no_test_set(cifar, tmp_path):
    line = ["--method=deterministic", "--validation_share=0.1"]
    line += ["--train_examples=160", "--output_dir=run", "--shifted"]
    line += ["--corruptions_interval=1", "--trajectory_interval=3"]
    done = cifar(*line, "--tune", before=_test_images_are_closed)
    assert (done.status, done.stderr) == (0, ""), done.stderr
    assert "5/5" in done.stdout and "Validation" in done.stdout
    folder = tmp_path / "run"
    tuned = outputs.results(folder)
    sections = {name.split("/")[0] for name in tuned}
    assert {"val", "cost"} <= sections
    assert not sections & {"test", "corrupted", "shifted", "ood"}
    assert tuned["cost/params"] > 0 and tuned["cost/ms_per_example"] > 0
    # 1198 images: 120 are held out.
    right = tuned["val/accuracy"] * 120
    np.testing.assert_allclose(right, round(right), atol=1e-9)
    np.testing.assert_allclose(
        float(outputs.rows(folder)[-1]["val_nll"]), tuned["val/nll"], rtol=1e-5
    )
    # The test set of the settings that were chosen is read on request only.
    tested = processes.run(
        ["--runs=run", "--suite=test"],
        tmp_path,
        script=processes.CIFAR.with_name("evaluate.py"),
    )
    assert (tested.status, tested.stderr) == (0, ""), tested.stderr
    both = outputs.results(folder)
    assert both["val/nll"] == tuned["val/nll"] != both["test/nll"]
