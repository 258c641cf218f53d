"""The output and the files of a command, at first and when repeated."""

import functools
import json

import keras
import numpy as np
import pytest

from mimo_keras import data, evaluation, methods
from tests.runs import outputs, processes
from tests.runs.processes import FEW, TINY
from uncertainty_runs.common import config, models


def test_the_command_ends_well_and_says_where_things_lie(finished, results):
    command, _ = finished
    assert (command.status, command.stderr) == (0, "")
    assert "\r" not in command.stdout and "\b" not in command.stdout
    assert command.stdout.count("10/10") == 3
    last = command.stdout.splitlines()[-2:]
    assert last == [
        "Report:      run/report.html",
        "SavedModel:  run/saved_model",
    ]
    assert f"{results['test/accuracy']:.4f}" in command.stdout


def test_the_folder_holds_what_is_promised_and_no_leftovers(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("flags.json", "metrics.csv", "results.json", "arrays.npz"),
        *("report.html", "tensorboard", "checkpoints", "saved_model"),
    }
    checkpoints = {path.name for path in (folder / "checkpoints").iterdir()}
    assert checkpoints == {"epoch_000002.npz", "epoch_000003.npz"}


def test_flags_json_holds_every_flag_with_the_recipes_values(folder):
    flags = json.loads((folder / "flags.json").read_text())
    given = {"dataset": "digits", "method": "mimo", "train_epochs": 3}
    recipe = {
        "ensemble_size": 3,
        "batch_repetitions": 4,
        "backbone": "small_cnn_1",
        "batch_size": 128,
        "lr_decay_epochs": [80, 160, 180],
    }
    for name, value in {**given, **recipe, "seed": 42, "tpu": ""}.items():
        assert flags[name] == value, name
    assert flags["export"] is True and flags["use_bfloat16"] is False
    assert set(flags) >= {
        *("data_dir", "output_dir", "width_multiplier", "l2", "lr_decay_ratio"),
        *("input_repetition_probability", "per_core_batch_size", "eval_only"),
        *("base_learning_rate", "lr_warmup_epochs", "use_tpu", "use_gpu"),
        *("corruptions_interval", "checkpoint_interval"),
        *("shuffle_group", "sync_batch_norm"),
    }


def test_metrics_csv_has_a_row_an_epoch(folder, results):
    rows = outputs.rows(folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert list(rows[0]) == [
        *("epoch", "accuracy", "loss", "nll"),
        *("val_accuracy", "val_loss", "val_nll", "learning_rate", "seconds"),
    ]
    # The last epoch's validation is on the test set, by Keras in float32.
    for name in ("accuracy", "nll"):
        np.testing.assert_allclose(
            float(rows[-1][f"val_{name}"]), results[f"test/{name}"], rtol=1e-5
        )
    # Base rate 0.12 · 32 / 128 = 0.03; steps of 10 an epoch: decays by 0.2
    # at steps 10·3·80//200 = 12, 24 and 27; the rate is the next step's.
    rates = [float(row["learning_rate"]) for row in rows]
    expected = [0.03, 0.03 * 0.2, 0.03 * 0.2**3]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("part", "tag", "column"),
    [
        ("train", "epoch_loss", "loss"),
        ("train", "epoch_learning_rate", "learning_rate"),
        ("validation", "epoch_nll", "val_nll"),
    ],
)
def test_tensorboard_holds_the_same_curves(folder, part, tag, column):
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.util import tensor_util

    events = event_accumulator.EventAccumulator(
        str(folder / "tensorboard" / part)
    ).Reload()
    found = {
        event.step: float(tensor_util.make_ndarray(event.tensor_proto))
        for event in events.Tensors(tag)
    }
    assert sorted(found) == [0, 1, 2]
    for step, row in enumerate(outputs.rows(folder)):
        np.testing.assert_allclose(found[step], float(row[column]), rtol=1e-5)


@pytest.mark.parametrize("more", [(), ("--eval_only",)])
def test_the_same_command_again_only_evaluates(folder, used, cifar, more):
    for name in ("results.json", "arrays.npz", "report.html"):
        (used / name).unlink()
    before = {p: p.read_bytes() for p in used.glob("checkpoints/*")}
    again = cifar("--output_dir=run", *more)
    assert (again.status, again.stderr) == (0, "")
    assert "10/10" not in again.stdout
    assert {p: p.read_bytes() for p in used.glob("checkpoints/*")} == before
    assert outputs.rows(used) == outputs.rows(folder)
    found, wanted = (
        outputs.results(run, times=False) for run in (used, folder)
    )
    # Four corrupted sets are evaluated here, and all in the finished run.
    few = {f"{t}_{s}" for t in FEW["types"] for s in FEW["severities"]}
    parts = {k.split("/")[1] for k in found if k.startswith("corrupted/")}
    assert few == {part for part in parts if part[-1] in "12345"} - {
        f"severity_{s}" for s in FEW["severities"]
    }
    for name, value in found.items():
        whole = not name.startswith("corrupted/")
        if whole or name.split("/")[1] in few:
            assert value == wanted[name], name
    assert found.keys() >= {k for k in wanted if k[:9] != "corrupted"}
    assert (used / "report.html").exists()


# Command line -> members, trainable parameters and the test images counted.
COMMANDS = {
    "deterministic": (["--corruptions_interval=1"], 1, 14048 + 330),
    "naive_multihead": (["--ensemble_size=2"], 2, 14048 + 2 * 330),
    "mimo": (
        [
            *("--ensemble_size=2", "--batch_repetitions=2", "--seed=7"),
            *("--input_repetition_probability=0.5", "--use_bfloat16"),
            *("--per_core_batch_size=64", "--backbone=mlp_{width}"),
            *("--width_multiplier=8", "--lr_decay_epochs=100,150"),
            *("--shuffle_group=8", "--sync_batch_norm"),
        ],
        2,
        2 * 64 * 8 + 8 + 2 * 90,
    ),
    # An encoder and a head for each of two members.
    "mixmo": (
        ["--cutmix_probability=1.0", "--loss_root=2.0", "--concentration=1"],
        2,
        14048 + 160 + 2 * 330,
    ),
    "mixshare": (
        [
            *(
                "--unmix=partial",
                "--unmix_fraction=0.5",
                "--alignment=colinear",
            ),
            *("--backbone=small_cnn_{width}", "--cutmix_decay=0.5"),
        ],
        2,
        14048 + 160 + 2 * 330,
    ),
    # A convolution of one channel, or a perceptron and a shared head.
    "datamux": (
        ["--ensemble_size=2", "--keys=orthogonal", "--demultiplexer=mlp"],
        2,
        14048 + 2 * 2 * (32 * 32 + 32) + 330,
    ),
    # WRN-10-1's features, two heads, exits of 16 and 32 features, θ.
    "mimmo": (
        [
            *("--backbone=wide_resnet_10_1", "--batch_repetitions=2"),
            *("--ensemble_size=2", "--alpha=2", "--depth_warmup_epochs=0"),
            *("--per_core_batch_size=64", "--noshifted"),
        ],
        6,
        77056 + 2 * 650 + (16 * 64 + 192) + (32 * 64 + 192) + 2 * 3,
    ),
    # Own biases and two rank-1 factors for each of two members.
    "batch_ensemble": (
        ["--ensemble_size=2", "--ensemble_batch_norm"],
        2,
        14048 + 330 + 80 + 10 + 2 * (1 + 16 + 16 + 32 + 32 + 32 + 32 + 10),
    ),
    # Mean and width of each factor.
    "rank1_bnn": (
        ["--ensemble_size=2", "--samples=1", "--kl_annealing_epochs=1"],
        2,
        14048 + 330 + 80 + 10 + 4 * (1 + 16 + 16 + 32 + 32 + 32 + 32 + 10),
    ),
    # Banks of two templates, a heads' bias; coefficients.
    "mixture_ensemble": (
        [
            *("--ensemble_size=2", "--num_params=2.0", "--grouping=single"),
            *("--backbone=small_cnn_{width}", "--templates_per_layer=2"),
        ],
        2,
        2 * (14378 - 90) + 90 + 2 * 8,
    ),
    "mc_dropout": (["--samples=2", "--dropout_rate=0.2"], 2, 14048 + 330),
    "treenet": (
        ["--ensemble_size=2", "--split=1"],
        2,
        14048 + 330 + 9248 + 330,
    ),
    "deep_ensemble": (["--ensemble_size=2"], 2, 2 * (14048 + 330)),
}


# Cases that differ most in training and evaluation: one member and corrupted
# images, bfloat16 and rows of several images, members of different weights.
END_TO_END = ("deterministic", "mimo", "mimmo")


@pytest.mark.parametrize("method", COMMANDS)
def test_flags_make_the_method_s_network_which_trains(parse, method):
    flags, members, params = COMMANDS[method]
    parse(*TINY, f"--method={method}", *flags)
    run = config.resolve()
    options = run.method_options()
    for flag in flags:
        name, _, text = flag.removeprefix("--").partition("=")
        if name in methods.options(method):
            found = options[name]
            assert found == (type(found)(text) if text else True), flag
    train = data.load("digits", "train")
    model = models.build_model(run, train, unique=32, steps=37)
    assert evaluation.trainable_parameters(model) == params
    predictor = model.predictor()
    assert len(predictor.log_weights) == members
    logits = predictor.member_logits(train.images[:2])
    assert logits.shape == (2, members, 10)
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()
    model.run_eagerly, before = True, model.get_weights()
    for _ in range(2):  # The rate of the first step is 0.
        loss = model.train_on_batch(train.images[:64], train.labels[:64])
        assert np.isfinite(loss).all()
    after = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(m, marks=[pytest.mark.large] * (m == "mimmo"))
        for m in END_TO_END
    ],
)
def test_a_tiny_command_of_each_method(cifar, tmp_path, method):
    flags, members, params = COMMANDS[method]
    found = _trained(cifar, tmp_path, f"--method={method}", *flags)
    assert found["cost/params"] == params
    assert f"test/nll_member_{members - 1}" in found
    assert f"test/nll_member_{members}" not in found
    assert ("test/disagreement" in found) == (members > 1)
    corrupted = "--corruptions_interval=1" in flags
    assert ("corrupted/nll" in found) == corrupted
    (row,) = outputs.rows(tmp_path / "out")
    assert ("corrupted/nll" in row) == corrupted
    if corrupted:
        np.testing.assert_allclose(
            float(row["corrupted/nll"]), found["corrupted/nll"], rtol=1e-6
        )


def test_two_logical_cpus_share_every_batch(cifar, tmp_path):
    found = _trained(
        cifar,
        tmp_path,
        "--num_cores=2",
        before=functools.partial(
            processes.kill, "tensorflow:distribute.OneDeviceStrategy", 1
        ),
    )
    assert found["cost/params"] == 15038 + 2 * 9 * 16


def _trained(cifar, tmp_path, *flags, before=None):
    """Trains for an epoch; returns results on all test images."""
    done = cifar(
        *("--train_epochs=1", "--corruptions_interval=-1"),
        *("--output_dir=out", *flags),
        before=before,
    )
    assert (done.status, done.stderr) == (0, "")
    with np.load(tmp_path / "out" / "arrays.npz") as arrays:
        assert arrays["reliability_count"].sum() == 599
        assert arrays["ood_sample_images_in"].shape == (599,)
    return outputs.results(tmp_path / "out")
