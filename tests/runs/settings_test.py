"""Flags and recipes together: valid and invalid configurations."""

import dataclasses
import os
import types

import keras
import pytest

from mimo_keras import methods
from mimo_keras.errors import InputError
from uncertainty_runs.common import (
    config,
    models,
    run,
    run_data,
    show_config,
)

SHOWN = {
    "seed": ["7", "flag"],
    "l2": ["0.0", "flag"],
    "batch_size": ["512", "recipe"],
    "backbone": ["wide_resnet_28_10", "recipe"],
    "lr_decay_epochs": ["80,160,180", "recipe"],
    "use_tpu": ["False", "default"],
    "output_dir": ["runs/cifar10-mimo-3-7", "default"],
}


@pytest.fixture
def resolve(parse):
    """A function from a command line to the value of every flag."""

    def values(*line):
        parse(*line)
        return config.resolve()

    return values


def test_without_flags_it_is_mimo_on_cifar10(resolve):
    values = resolve()
    assert (values.dataset, values.method) == ("cifar10", "mimo")
    assert values.backbone == "wide_resnet_28_10"
    assert values.output_dir == os.path.join("runs", "cifar10-mimo-3-42")
    assert values.per_core_batch_size is None
    assert (values.batch_size, values.l2) == (512, 3e-4)
    assert values.lr_decay_epochs == (80, 160, 180)
    assert not {"source", "reported"} & set(vars(values))


def test_a_flag_goes_before_the_recipe(resolve):
    values = resolve(
        *("--dataset=digits", "--ensemble_size=2", "--seed=7", "--l2=0"),
        *("--width_multiplier=4", "--lr_decay_epochs=10,20", "--export"),
        "--train_epochs=1",
    )
    assert values.backbone == "small_cnn_4"
    assert values.lr_decay_epochs == (10, 20)
    name = "digits-mimo-2-width_multiplier_4-7"
    assert values.output_dir == os.path.join("runs", name)
    # Zero is a value, not a missing one.
    assert (values.l2, values.train_epochs) == (0.0, 1)
    assert values.export is True
    assert values.batch_repetitions == 4


def test_the_folder_says_which_network_it_is_unless_it_is_the_recipes(resolve):
    def folder(*line):
        return os.path.basename(resolve("--dataset=digits", *line).output_dir)

    mixture = "--method=mixture_ensemble"
    assert folder("--width_multiplier=2") == "digits-mimo-3-42"
    assert folder(mixture, "--num_params=7e6") == (
        "digits-mixture_ensemble-4-num_params_7000000.0-42"
    )
    assert folder("--recipe=mimmo", "--method=mimmo", "--nolearn_depth") == (
        "digits-mimmo-2-recipe_mimmo-learn_depth_False-42"
    )
    # No folder inside another, and no two with the same name.
    odd, other = (folder(f"--backbone=a{c}b") for c in "/:")
    assert odd.startswith("digits-mimo-3-backbone_a_b-42-") and odd != other
    long = folder("--backbone=" + 300 * "x")
    assert len(long) < 220 and long != folder("--backbone=" + 301 * "x")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("mlp_{width}_{width}", "mlp_10_10"),
        ("mlp_32", "mlp_32"),
        ("{0}{", "{0}{"),
    ],
)
def test_only_width_is_filled_into_a_backbone(resolve, given, used):
    assert resolve(f"--backbone={given}").backbone == used


def test_rows_form_among_as_many_images_as_a_flag_says(resolve):
    assert "shuffle_group" not in resolve().method_options()
    told = resolve("--shuffle_group=16").method_options()
    assert told["shuffle_group"] == 16


def test_no_decay_is_an_empty_list(resolve):
    assert resolve("--lr_decay_epochs=").lr_decay_epochs == ()


@pytest.mark.parametrize("text", ["80,x", "80.5", "80,,160"])
def test_decay_epochs_are_whole_numbers(resolve, text):
    with pytest.raises(InputError, match=f"lr_decay_epochs={text}"):
        resolve(f"--lr_decay_epochs={text}")


def test_method_options_are_the_methods_own(resolve):
    mimo = resolve("--batch_repetitions=2")
    assert mimo.method_options() == {
        "batch_repetitions": 2,
        "input_repetition_probability": 0.0,
    }
    assert resolve("--method=deterministic").method_options() == {}


def test_an_option_that_nothing_sets_is_left_to_the_method(resolve):
    values = dataclasses.replace(resolve("--method=treenet"), split=None)
    assert values.method_options() == {}


def test_facts_of_the_data_go_to_methods_that_ask_for_them(resolve):
    values = resolve("--method=rank1_bnn", "--dataset=digits", "--samples=2")
    options = values.method_options(train_examples=1198)
    assert options == {
        "train_examples": 1198,
        "kl_annealing_epochs": 32,
        "samples": 2,
        "member_reduction": "mean",
    }
    other = resolve("--method=treenet", "--dataset=digits")
    assert other.method_options(train_examples=5) == {"split": "1"}
    given = resolve("--noensemble_batch_norm", "--method=batch_ensemble")
    assert given.method_options()["ensemble_batch_norm"] is False


def test_every_option_of_a_method_has_a_flag(resolve):
    named = {n for m in methods.list_methods() for n in methods.options(m)}
    assert named <= set(vars(resolve()))


@pytest.mark.parametrize(
    "flag",
    [
        "batch_repetitions=4",
        "input_repetition_probability=0.5",
        "shuffle_group=2",
    ],
)
def test_a_flag_of_another_method_is_no_flag(resolve, flag):
    with pytest.raises(InputError, match=f"no --{flag.split('=')[0]} for"):
        resolve("--method=naive_multihead", f"--{flag}")


def test_a_batch_has_a_copy_for_each_view_that_is_augmented_by_itself(resolve):
    assert resolve("--method=mixmo").copies() == 2 * 4
    assert resolve("--method=mixmo", "--noaugment_repetitions").copies() == 0
    assert resolve("--method=mimo").copies() == 0
    assert resolve("--method=mimo", "--augment_repetitions").copies() == 3 * 4
    mimmo = ("--method=mixmo", "--recipe=mimmo", "--dataset=cifar100")
    assert resolve(*mimmo, "--augment_repetitions").copies() == 0
    with pytest.raises(InputError, match="--augment_rep.*method=treenet. Lea"):
        resolve("--method=treenet", "--augment_repetitions")


@pytest.mark.parametrize(
    ("rows", "per_core", "repetitions", "replicas", "unique"),
    [
        (512, None, 4, 1, 128),
        (512, None, 4, 8, 128),
        (512, None, 1, 8, 512),
        (512, 64, 4, 8, 128),
        (512, 12, 4, 2, 6),
        (512, 200, 1, 1, 200),
    ],
)
def test_unique_images_by_hand(
    resolve, rows, per_core, repetitions, replicas, unique
):
    values = dataclasses.replace(
        resolve(),
        batch_size=rows,
        per_core_batch_size=per_core,
        batch_repetitions=repetitions,
    )
    assert values.unique_images(replicas, 512) == unique


def test_unique_images_may_be_given(resolve):
    values = resolve("--images_per_step=512")
    assert values.unique_images(8, 50000) == 512
    values = resolve(
        *("--images_per_step=96", "--gradient_accumulation_steps=3")
    )
    assert values.unique_images(1, 50000) == 32
    both = dataclasses.replace(values, per_core_batch_size=32)
    with pytest.raises(InputError, match="per_core_batch_size=32, images_per"):
        both.unique_images(1, 50000)


def test_padding_is_the_data_sets_or_the_flags(resolve):
    for flag, padding in ((), 4), (("--augment_padding=2",), 2):
        assert run_data.augmentation(resolve(*flag)).padding == padding
    digits = resolve("--dataset=digits", "--augment_padding=2")
    with pytest.raises(InputError, match="augment_padding=2, dataset=digits"):
        run_data.augmentation(digits)
    unchanged = resolve("--noaugment")
    assert run_data.augmentation(unchanged) is None
    assert dataclasses.replace(unchanged, augment=True) == resolve()


@pytest.mark.parametrize(
    ("per_core", "unique", "per_epoch"),
    # 512 / (4 · 2); 403 // (64 · 2) steps of 2 passes. 32 · 2 / 4; 403 // 32.
    [(None, 64, 6), (32, 16, 24)],
)
def test_several_passes_make_a_step(resolve, per_core, unique, per_epoch):
    values = resolve("--gradient_accumulation_steps=2")
    values = dataclasses.replace(values, per_core_batch_size=per_core)
    replicas = 2 if per_core else 1
    strategy = types.SimpleNamespace(num_replicas_in_sync=replicas)
    steps = run.steps_of(values, strategy, range(403))
    assert steps == models.Steps(unique, per_epoch)


def test_rows_that_passes_cannot_share(resolve):
    values = resolve("--gradient_accumulation_steps=3")
    with pytest.raises(InputError, match="rows=512, gradient_accumulation_s"):
        values.unique_images(1, 512)


def test_the_rate_of_a_step_of_several_passes_is_that_of_one(resolve):
    one = resolve("--lr_warmup_epochs=2", "--train_epochs=5")
    several = dataclasses.replace(one, gradient_accumulation_steps=4)
    optimizers = (
        models.build_optimizer(one, models.Steps(128, 10)),
        models.build_optimizer(several, models.Steps(32, 40)),
    )
    assert optimizers[1].gradient_accumulation_steps == 4
    assert optimizers[0].gradient_accumulation_steps is None
    schedules = [
        keras.saving.deserialize_keras_object(x.get_config()["learning_rate"])
        for x in optimizers
    ]
    for step in range(50):
        rate = float(schedules[0](step))
        rates = [float(schedules[1](4 * step + k)) for k in range(4)]
        assert rates == [pytest.approx(rate)] * 4


@pytest.mark.parametrize(
    ("per_core", "repetitions", "replicas", "words"),
    [
        (None, 3, 1, "rows=512, batch_repetitions=3, devices=1"),
        (None, 4, 3, "rows=512, batch_repetitions=4, devices=3"),
        (10, 4, 2, "rows=20, batch_repetitions=4, devices=2"),
        (404, 1, 1, "at most 403 unique images per step.*: 404"),
        (202, 1, 2, "at most 403 unique images per step.*: 404"),
    ],
)
def test_rows_that_cannot_be_shared_out(
    resolve, per_core, repetitions, replicas, words
):
    values = dataclasses.replace(
        resolve(), per_core_batch_size=per_core, batch_repetitions=repetitions
    )
    with pytest.raises(InputError, match=words):
        values.unique_images(replicas, 403)


def test_free_flags_exist(resolve):
    assert set(config.FREE) <= set(vars(resolve()))


def test_show_config_says_where_each_value_comes_from(parse, capsys):
    parse("--dataset=cifar10", "--seed=7", "--l2=0", "--show_config")
    with pytest.raises(SystemExit) as ended:
        show_config.resolve_or_show()
    assert ended.value.code == 0
    table, told = capsys.readouterr().out.split("\n\n")
    lines = dict(line.split(maxsplit=1) for line in table.splitlines())
    assert {name: lines[name].split() for name in SHOWN} == SHOWN
    assert "show_config" not in lines and "alpha" not in lines
    assert told.splitlines() == [
        "Recipe:   mimo on cifar10: Havasi et al., ICLR 2021, appendix B",
        "Reported: table 1: accuracy 96.4%, NLL 0.123, ECE 0.01",
    ]


def test_show_config_makes_no_folder(cifar, tmp_path):
    done = cifar("--output_dir=out", "--show_config")
    assert (done.status, done.stderr) == (0, "")
    assert "small_cnn_1" in done.stdout
    assert not (tmp_path / "out").exists()
    # An invalid configuration is an error, and is not shown.
    done = cifar("--method=deterministic", "--alpha=1", "--show_config")
    assert (done.status, done.stdout) == (2, "")
