"""The recipes of the baselines are the paper's, and build."""

import pytest

import mimo_keras
from uncertainty_runs import recipes, settings

# Havasi et al., ICLR 2021: members and forward passes from tables 1 and 2,
# epochs and regularisation from appendix B; accuracy in %, NLL and ECE.
PAPER = {
    "deterministic": (1, 200, 2e-4, (96.0, 0.159, 0.023), (79.8, 0.875, 0.086)),
    "mc_dropout": (1, 200, 2e-4, (95.9, 0.160, 0.024), (79.6, 0.830, 0.050)),
    "naive_multihead": (
        *(3, 250, 2e-4),
        *((95.9, 0.161, 0.022), (79.5, 0.834, 0.048)),
    ),
    "mimo": (3, 250, 3e-4, (96.4, 0.123, 0.010), (82.0, 0.690, 0.022)),
    "treenet": (3, 250, 2e-4, (95.9, 0.158, 0.018), (80.8, 0.777, 0.047)),
    "batch_ensemble": (
        *(4, 250, 3e-4),
        *((96.2, 0.143, 0.021), (81.5, 0.740, 0.056)),
    ),
    "deep_ensemble": (4, 200, 2e-4, (96.6, 0.114, 0.010), (82.7, 0.666, 0.021)),
}


@pytest.mark.parametrize("method", PAPER)
@pytest.mark.parametrize(("table", "dataset"), [(1, "cifar10"), (2, "cifar100")])
def test_cifar_rows_are_the_papers(method, table, dataset):
    members, epochs, l2, *reported = PAPER[method]
    row = recipes.recipe(dataset, method)
    assert row.backbone.format(width=row.width_multiplier) == (
        "wide_resnet_28_10"
    )
    assert (row.ensemble_size, row.train_epochs, row.l2) == (
        members,
        epochs,
        l2,
    )
    assert (row.base_learning_rate, row.lr_decay_ratio) == (0.1, 0.1)
    # The batch of 512 counts what passes through the network.
    shown = members if method == "batch_ensemble" else 1
    assert row.batch_size * shown == 512
    accuracy, nll, ece = reported[table - 1]
    assert row.reported == (
        f"table {table}: accuracy {accuracy}%, NLL {nll}, ECE {ece}"
    )


def test_the_options_of_the_baselines():
    dropout = recipes.recipe("cifar10", "mc_dropout")
    assert (dropout.dropout_rate, dropout.samples) == (0.1, 1)
    assert recipes.recipe("cifar10", "treenet").split == "2"
    repetitions = {
        method: recipes.recipe("cifar100", method).batch_repetitions
        for method in PAPER
    }
    assert repetitions.pop("mimo") == 4
    assert set(repetitions.values()) == {1}


@pytest.mark.parametrize("method", ["mc_dropout", "treenet", "deep_ensemble"])
def test_digits_rows_build(parse, method):
    parse("--dataset=digits", f"--method={method}")
    values = settings.resolve(recipes.recipe)
    options = settings.method_options(values)
    wanted = {
        "mc_dropout": {"dropout_rate": 0.1, "samples": 10},
        "treenet": {"split": "1"},
        "deep_ensemble": {},
    }
    assert options == wanted[method]
    model = mimo_keras.create_model(
        method,
        backbone=values["backbone"],
        input_shape=(8, 8, 1),
        num_classes=10,
        ensemble_size=values["ensemble_size"],
        **options,
    )
    components = {"mc_dropout": 10, "treenet": 3, "deep_ensemble": 4}
    assert len(model.log_weights) == components[method]


def test_an_option_that_nothing_sets_is_left_to_the_method(parse):
    parse("--dataset=digits", "--method=treenet")
    values = settings.resolve(recipes.recipe) | {"split": None}
    assert settings.method_options(values) == {}
