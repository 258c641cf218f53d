"""The recipes, number by number, and the resulting learning rates."""

import re

import keras
import numpy as np
import pytest

from mimo_keras import backbones, data, methods
from mimo_keras.errors import InputError
from uncertainty_runs.common import config, models, recipes

# Havasi et al., appendix B, for both CIFARs: members, repetitions, rows a
# step, epochs, l2.
CIFAR = {
    "deterministic": (1, 1, 512, 200, 2e-4),
    "naive_multihead": (3, 1, 512, 250, 2e-4),
    "mimo": (3, 4, 512, 250, 3e-4),
    "mc_dropout": (1, 1, 512, 200, 2e-4),
    "treenet": (3, 1, 512, 250, 2e-4),
    # Each image passes through the network 4 times, 512 rows as well.
    "batch_ensemble": (4, 1, 128, 250, 3e-4),
    "deep_ensemble": (4, 1, 512, 200, 2e-4),
}
OPTIONS = {
    "mc_dropout": {"dropout_rate": 0.1, "samples": 1},
    "treenet": {"split": "2"},
    "batch_ensemble": {
        "random_sign_init": -0.5,
        "fast_weight_lr_multiplier": 0.5,
        "member_reduction": "mean",
    },
}
# Tables 1 and 2 of the paper: accuracy in %, NLL, ECE.
REPORTED = {
    ("cifar10", "deterministic"): (1, 96, 0.159, 0.023),
    ("cifar10", "naive_multihead"): (1, 95.9, 0.161, 0.022),
    ("cifar10", "mimo"): (1, 96.4, 0.123, 0.010),
    ("cifar100", "deterministic"): (2, 79.8, 0.875, 0.086),
    ("cifar100", "naive_multihead"): (2, 79.5, 0.834, 0.048),
    ("cifar100", "mimo"): (2, 82.0, 0.690, 0.022),
    ("cifar10", "mc_dropout"): (1, 95.9, 0.160, 0.024),
    ("cifar10", "treenet"): (1, 95.9, 0.158, 0.018),
    ("cifar10", "batch_ensemble"): (1, 96.2, 0.143, 0.021),
    ("cifar10", "deep_ensemble"): (1, 96.6, 0.114, 0.010),
    ("cifar100", "mc_dropout"): (2, 79.6, 0.830, 0.050),
    ("cifar100", "treenet"): (2, 80.8, 0.777, 0.047),
    ("cifar100", "batch_ensemble"): (2, 81.5, 0.740, 0.056),
    ("cifar100", "deep_ensemble"): (2, 82.7, 0.666, 0.021),
}


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
@pytest.mark.parametrize("method", CIFAR)
def test_cifar_is_trained_as_in_the_paper(dataset, method):
    r = recipes.recipe(dataset, method)
    assert CIFAR[method] == (
        r.ensemble_size,
        r.batch_repetitions,
        r.batch_size,
        r.train_epochs,
        r.l2,
    )
    assert (r.backbone, r.width_multiplier) == ("wide_resnet_28_{width}", 10)
    assert r.input_repetition_probability == 0.0
    assert (r.base_learning_rate, r.lr_decay_ratio) == (0.1, 0.1)
    assert r.lr_decay_epochs == (80, 160, 180)
    assert r.lr_warmup_epochs == 1
    assert "appendix B" in r.source
    assert r.options == OPTIONS.get(method, {})


def test_rank1_bnn_is_trained_as_in_uncertainty_baselines():
    r = recipes.recipe("cifar10", "rank1_bnn")
    assert (r.ensemble_size, r.batch_size, r.train_epochs) == (4, 128, 250)
    assert (r.l2, r.lr_decay_ratio, r.reported) == (1e-4, 0.2, {})
    assert r.options["member_reduction"] == "mean"
    assert "kl_weight" not in r.options  # 1, as there.


def test_batch_ensembles_fast_weights_learn_more_slowly_on_imagenet():
    r = recipes.recipe("imagenet2012", "batch_ensemble")
    assert r.options["fast_weight_lr_multiplier"] == 0.25
    assert r.options["member_reduction"] == "mean"


@pytest.mark.parametrize(("dataset", "method"), REPORTED)
def test_the_reported_results_are_those_of_the_tables(dataset, method):
    reported = recipes.recipe(dataset, method).reported[dataset]
    found = [float(text) for text in re.findall(r"\d+(?:\.\d+)?", reported)]
    assert tuple(found) == REPORTED[dataset, method]
    order = r"table \d: accuracy \S+%, NLL \S+, ECE \S+"
    assert re.fullmatch(order, reported)


def test_digits_recipes_differ_only_in_what_a_method_is():
    plain, heads, mimo = (
        recipes.recipe("digits", method)
        for method in ("deterministic", "naive_multihead", "mimo")
    )
    assert [r.ensemble_size for r in (plain, heads, mimo)] == [1, 3, 3]
    # The same 32 unique images per step, each of which mimo repeats 4 times.
    for r in (plain, heads, mimo):
        assert r.batch_size // r.batch_repetitions == 32
        assert r.backbone == "small_cnn_{width}"
        assert (r.width_multiplier, r.train_epochs) == (2, 40)
        assert (r.base_learning_rate, r.lr_decay_ratio) == (0.12, 0.2)
        assert r.l2 == 3e-4
        assert r.reported == {}


@pytest.mark.parametrize(
    "dataset",
    ["cifar10", "cifar100", "digits", "fashion_mnist", "mnist", "kmnist"],
)
def test_every_method_has_a_recipe(dataset):
    known = {m for d, m in recipes.RECIPES if d == dataset}
    assert known == set(methods.list_methods())


def test_recipes_are_for_what_exists():
    datasets, known = map(set, zip(*recipes.RECIPES, strict=True))
    assert datasets <= set(data.DATASETS)
    assert known <= set(methods.list_methods())


# Havasi et al., ICLR 2021, appendix B: members, rows a step, epochs; table 3.
IMAGENET = {
    "deterministic": (1, 4096, 90, "76.1%, NLL 0.943, ECE 0.039"),
    # Appendix B has its settings, table 3 no result.
    "mc_dropout": (1, 4096, 90, None),
    "naive_multihead": (3, 4096, 150, "76.611%, NLL 0.929, ECE 0.043"),
    "mimo": (2, 4096, 150, "77.5%, NLL 0.887, ECE 0.037"),
    "treenet": (2, 4096, 150, "78.139%, NLL 0.852, ECE 0.017"),
    # 4096 rows, as each image passes 4 times.
    "batch_ensemble": (4, 1024, 135, "76.7%, NLL 0.944, ECE 0.049"),
    "deep_ensemble": (4, 4096, 90, "77.5%, NLL 0.877, ECE 0.031"),
}


@pytest.mark.parametrize("method", IMAGENET)
def test_imagenet_rows_are_the_papers(method):
    r = recipes.recipe("imagenet2012", method)
    found = (r.ensemble_size, r.batch_size, r.train_epochs)
    *wanted, scores = IMAGENET[method]
    assert found == tuple(wanted)
    assert r.reported.get("imagenet2012") == (
        f"table 3: accuracy {scores}" if scores else None
    )
    assert (r.backbone, r.width_multiplier) == ("resnet50_{width}", 1)
    assert (r.base_learning_rate, r.images_per_rate) == (0.1, 256)
    assert (r.lr_decay_epochs, r.lr_decay_of) == ((30, 60, 80), 90)
    assert (r.lr_warmup_epochs, r.l2, r.l2_scope) == (5, 1e-4, "kernels")
    mimo = (2, 0.6) if method == "mimo" else (1, 0.0)
    assert mimo == (r.batch_repetitions, r.input_repetition_probability)


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_mixmo_and_mixshare_are_trained_as_in_their_papers(dataset):
    mixmo, share = (
        recipes.recipe(dataset, method) for method in ("mixmo", "mixshare")
    )
    for r, repetitions in ((mixmo, 4), (share, 2)):
        # 64 rows a step; 0.1 over the repetitions at 128 rows.
        assert (r.ensemble_size, r.batch_size) == (2, 64)
        unique = r.batch_size / repetitions
        rate = r.base_learning_rate * unique / r.images_per_rate
        assert rate == pytest.approx(0.1 / repetitions * 64 / 128)
        assert (r.batch_repetitions, r.train_epochs) == (repetitions, 300)
        assert (r.lr_decay_of, r.lr_decay_ratio) == (300, 0.1)
        assert (r.lr_warmup_epochs, r.l2) == (1, 3e-4)
        assert r.backbone == "wide_resnet_28_{width}_late_stride"
    assert mixmo.lr_decay_epochs == (100, 200, 225)
    assert share.lr_decay_epochs == (75, 150, 225)
    assert (mixmo.width_multiplier, share.width_multiplier) == (10, 2)
    assert mixmo.input_repetition_probability == 0
    assert share.input_repetition_probability == 0.1
    assert share.options == {"unmix": "fadeout", "fadeout_epochs": 100}
    told = recipes.recipe("cifar100", "mixshare").reported["cifar100"]
    assert re.findall(r"\d+\.\d", told)[:4] == ["79.0", "76.7", "74.8", "71.6"]


def test_mixture_ensembles_are_trained_as_in_their_paper():
    for dataset in ("cifar10", "cifar100"):
        r = recipes.recipe(dataset, "mixture_ensemble")
        assert (r.ensemble_size, r.batch_size, r.train_epochs) == (4, 128, 200)
        assert (r.lr_decay_epochs, r.lr_decay_ratio) == ((60, 120, 180), 0.2)
        assert (r.l2, r.lr_warmup_epochs) == (2.5e-4, 0)
        assert r.options == {
            "num_params": 1.0,
            "templates_per_layer": 5,
            "norm_group": 64,
        }
    r = recipes.recipe("imagenet2012", "mixture_ensemble")
    assert r.base_learning_rate * r.batch_size / r.images_per_rate == 1.6
    assert (r.nesterov, r.label_smoothing, r.l2) == (False, 0.1, 5e-5)
    assert (r.l2_scope, r.lr_warmup_epochs) == ("kernels", 10)
    assert r.options["assign"] == "distinct"


# The results of the budgets that recipes.py lists as commands.
BUDGETS = {
    ("--num_params=120e6",): (28, 10, 200, 120_000_000),
    ("--num_params=15e6",): (28, 10, 200, 15_000_000),
    ("--num_params=7e6", "--grouping=single"): (28, 10, 200, 7_000_000),
    (
        *("--num_params=36.5e6", "--width_multiplier=5"),
        *("--bank_single_layers", "--train_epochs=1000"),
    ): (28, 5, 1000, 36_500_000),
}


@pytest.mark.parametrize("flags", BUDGETS, ids=str)
def test_the_papers_budgets_are_commands(parse, flags):
    told = " ".join(recipes.__doc__.replace("\\\n", " ").split())
    assert " ".join(["--method=mixture_ensemble", *flags]) in told
    parse("--method=mixture_ensemble", *flags)
    run = config.resolve()
    depth, width, epochs, budget = BUDGETS[flags]
    assert run.backbone == f"wide_resnet_{depth}_{width}"
    assert run.train_epochs == epochs
    task = methods.Task(backbones.get(run.backbone), (32, 32, 3), 10, 4)
    options = methods.BankOptions(**run.method_options())
    plan = methods.plan_templates(task, options)
    assert plan.budget == budget >= plan.shared
    if epochs == 1000:
        decays = [e * epochs // run.lr_decay_of for e in run.lr_decay_epochs]
        assert decays == [300, 600, 900]


def test_without_a_recipe_those_that_exist_are_listed():
    with pytest.raises(InputError, match="deterministic, dun, early_exit, "):
        recipes.recipe("cifar10", "mimic")


@pytest.mark.parametrize(
    ("table", "kind", "own"),
    [(None, "a recipe", " folder,"), ("mimmo", "recipe mimmo", "")],
)
def test_without_any_recipe_the_data_sets_that_have_one_are_listed(
    table, kind, own
):
    with pytest.raises(InputError) as caught:
        recipes.recipe("tiny", "mimo", table)
    assert str(caught.value) == (
        f"Expected a data set with {kind}: cifar10, cifar100, digits, "
        f"fashion_mnist,{own} imagenet2012, kmnist, mnist. Received: "
        "dataset='tiny'. Choose one of these, or add a row to "
        "uncertainty_runs/common/recipes."
    )


# unique images a step, steps an epoch, base rate, and the steps of decays.
SCHEDULES = {
    # 512 / 4; 50000 // 128; 0.1 · 128 / 128; 390 · 80 · 250 // 200, …
    ("cifar10", "mimo"): (128, 390, 0.1, [39000, 78000, 87750]),
    # 512; 50000 // 512; 0.1 · 512 / 128; 97 · 80 · 200 // 200, …
    ("cifar100", "deterministic"): (512, 97, 0.4, [7760, 15520, 17460]),
    ("cifar10", "naive_multihead"): (512, 97, 0.4, [9700, 19400, 21825]),
    # 128 / 4; 1198 // 32; 0.12 · 32 / 128; 37 · 80 · 40 // 200, …
    ("digits", "mimo"): (32, 37, 0.03, [592, 1184, 1332]),
}


@pytest.mark.parametrize(("dataset", "method"), SCHEDULES)
def test_the_learning_rate_is_the_recipes(parse, dataset, method):
    unique, steps, base, decays = SCHEDULES[dataset, method]
    size, shape, classes = {
        "cifar10": (50000, (32, 32, 3), 10),
        "cifar100": (50000, (32, 32, 3), 100),
        "digits": (1198, (8, 8, 1), 10),
    }[dataset]
    parse(f"--dataset={dataset}", f"--method={method}", "--backbone=mlp_4")
    run = config.resolve()
    assert run.unique_images(1, size) == unique
    train = data.Examples(dataset, np.zeros((1, *shape)), None, classes)
    optimizer = models.build_model(run, train, unique, steps).optimizer
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)

    schedule = keras.saving.deserialize_keras_object(
        optimizer.get_config()["learning_rate"]
    )

    def rate(step):
        return float(schedule(step))

    assert rate(0) == 0
    np.testing.assert_allclose(rate(steps / 2), base / 2, rtol=1e-6)
    ratio = run.lr_decay_ratio
    for decayed, step in enumerate(decays):
        before, after = base * ratio**decayed, base * ratio ** (decayed + 1)
        np.testing.assert_allclose(rate(step - 1), before, rtol=1e-5)
        np.testing.assert_allclose(rate(step), after, rtol=1e-5)


def test_the_model_is_built_with_the_recipes_l2_and_constants(parse):
    import keras

    parse("--dataset=cifar10", "--backbone=mlp_4", "--seed=5")
    run = config.resolve()
    train = data.Examples("cifar10", np.zeros((1, 32, 32, 3)), None, 10)
    model = models.build_model(run, train, 128, 390)
    assert (model.sampling.members, model.sampling.batch_repetitions) == (3, 4)
    assert model.sampling.input_repetition_probability == 0.0
    np.testing.assert_allclose(
        model.standardize.mean, (0.4914, 0.4822, 0.4465), rtol=1e-6
    )
    # The loss of zero weights is 3 ln 10; of ones l2 Σ w² more.
    logits = {
        "logits": np.zeros((2, 3, 10), np.float32),
        "rows": np.zeros((2, 3), np.int32),
    }
    weights = model.trainable_variables
    for value, penalty in ((0.0, 0.0), (1.0, 3e-4 * model.count_params())):
        for weight in weights:
            weight.assign(keras.ops.full(weight.shape, value))
        loss = model.compute_loss(y=np.zeros(2, int), y_pred=logits)
        np.testing.assert_allclose(
            float(loss), 3 * np.log(10) + penalty, rtol=1e-5
        )
