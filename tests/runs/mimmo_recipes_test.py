"""The supplement's settings, number by number."""

import keras
import pytest

from mimo_keras import methods
from mimo_keras.errors import InputError
from uncertainty_runs.common import config, models, recipes, run_data

METHODS = {
    "deterministic": (1, 1, 0.0),
    "deep_ensemble": (2, 1, 0.0),
    "mc_dropout": (1, 1, 0.0),
    "dun": (1, 1, 0.0),
    "early_exit": (1, 1, 0.0),
    "mimo": (2, 2, 0.25),
    "datamux": (2, 2, 0.25),
    "mixmo": (2, 2, 0.0),
    "mimmo": (2, 2, 0.25),
}


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
@pytest.mark.parametrize("method", METHODS)
def test_appendix_b(dataset, method):
    r = recipes.recipe(dataset, method, "mimmo")
    members, repetitions, rho = METHODS[method]
    assert r.backbone == "bottleneck_resnet"
    assert (r.ensemble_size, r.batch_repetitions) == (members, repetitions)
    assert r.input_repetition_probability == rho
    # 64 images a step, at a rate of 0.005.
    assert r.batch_size // r.batch_repetitions == r.images_per_rate == 64
    assert (r.base_learning_rate, r.lr_warmup_epochs) == (0.005, 0)
    assert (r.optimizer, r.schedule) == ("adam", "cosine")
    assert (r.train_epochs, r.l2, r.augment) == (100, 0.0, False)
    assert r.shifted
    assert set(r.options) <= set(methods.options(method))
    assert {*r.reported} == {"cifar100"}


def test_options_are_the_papers():
    dropout = recipes.recipe("cifar100", "mc_dropout", "mimmo")
    assert dropout.options == {
        "dropout_rate": 0.15,
        "samples": 10,
        "everywhere": True,
    }
    dun = recipes.recipe("cifar100", "dun", "mimmo")
    assert dun.options == {"alpha": 1.0, "depth_warmup_epochs": 5}
    told = recipes.recipe("cifar100", "mimmo", "mimmo").reported["cifar100"]
    assert told == "table 1: accuracy 0.61, NLL 1.5; shifted 0.31, 3.64"


def test_its_own_methods_have_no_other_recipe():
    for method in ("mimmo", "dun", "early_exit"):
        for dataset in run_data.IN_MEMORY:
            assert recipes.recipe(dataset, method) == recipes.recipe(
                dataset, method, "mimmo"
            )


def test_other_methods_are_one_line():
    with pytest.raises(InputError, match="a method of recipe mimmo"):
        recipes.recipe("digits", "treenet", "mimmo")


def test_the_optimizer_is_adam_along_a_cosine(parse):
    parse("--dataset=digits", "--method=mimo", "--recipe=mimmo")
    run = config.resolve()
    optimizer = models.build_optimizer(run, models.Steps(64, 18))
    assert isinstance(optimizer, keras.optimizers.Adam)
    total = 18 * run.train_epochs
    for step, wanted in ((0, 0.005), (total // 2, 0.0025), (total, 0.0)):
        optimizer.iterations.assign(step)
        rate = float(optimizer.learning_rate)
        assert rate == pytest.approx(wanted, abs=1e-7)
