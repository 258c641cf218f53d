r"""The settings of each (data set, method): one table, with its sources.

CIFAR rows: WRN-28-10 as in Havasi et al., ICLR 2021,
appendix B. `batch_size` counts the rows of a step over all devices, that is
unique images times batch repetitions; batch_ensemble shows each row to all
members, so that its 128 are the paper's 512. `lr_decay_epochs` are of a run
of `lr_decay_of` epochs and scale with `train_epochs`. The rate is scaled by
the unique images of a step over `images_per_rate`.

    python uncertainty_runs/cifar.py --dataset=cifar10 --method=mimo --use_tpu

The paper's thin ensemble (half the filters) is a command of its own:

    python uncertainty_runs/cifar.py --method=deep_ensemble --width_multiplier=5

It reports accuracy 96.3%, NLL 0.115, ECE 0.008 for it on CIFAR-10 (table 1)
and 81.5%, 0.694, 0.017 on CIFAR-100 (table 2).

Mixture ensembles of other budgets than the plain network's 36.5M, and thin
ones (Teterwak et al., MixtureEnsembles, 2021, section 5.1 and appendix A.1),
which it reports at 120M with 96.6% on CIFAR-10 and 82.9% on CIFAR-100, thin
with 82.3%:

    cifar.py --method=mixture_ensemble --num_params=120e6
    cifar.py --method=mixture_ensemble --num_params=15e6
    cifar.py --method=mixture_ensemble --num_params=7e6 --grouping=single
    cifar.py --method=mixture_ensemble --num_params=36.5e6 \
        --width_multiplier=5 --bank_single_layers --train_epochs=1000

Its batch norm sees 64 images, on two devices: --num_cores=2.

`reported` is the paper's result on the clean test set, for comparison; none
of it was measured here. The digits rows were tuned in this repository on few
methods and are shared by the others; README.md holds what they give.
"""

import dataclasses

from mimo_keras.errors import expected
from uncertainty_runs.common import mimmo_recipes


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a run uses for each flag that the user leaves out."""

    backbone: str = "wide_resnet_28_{width}"
    width_multiplier: int = 10
    ensemble_size: int = 1
    batch_repetitions: int = 1
    input_repetition_probability: float = 0.0
    batch_size: int = 512
    train_epochs: int = 250
    base_learning_rate: float = 0.1
    images_per_rate: int = 128
    lr_decay_epochs: tuple[int, ...] = (80, 160, 180)
    lr_decay_of: int = 200
    lr_decay_ratio: float = 0.1
    lr_warmup_epochs: int = 1
    optimizer: str = "sgd"
    schedule: str = "steps"
    augment: bool = True
    shifted: bool = False
    nesterov: bool = True
    # None as before there was this field, for runs that began then.
    l1: float | None = None
    l2: float = 2e-4
    l2_scope: str = "all"
    label_smoothing: float = 0.0
    options: dict = dataclasses.field(default_factory=dict)
    source: str = "Havasi et al., ICLR 2021, appendix B"
    reported: str = ""

    def values(self):
        """Returns what it says for flags, the method's options among them."""
        values = dataclasses.asdict(self)
        for name in ("source", "reported"):
            del values[name]
        return values.pop("options") | values


# 64 images a step; the rate is also divided by the batch repetitions.
_MIXMO = Recipe(
    ensemble_size=2,
    batch_repetitions=4,
    batch_size=256,
    train_epochs=300,
    base_learning_rate=0.1 / 4,
    lr_decay_epochs=(101, 201, 226),
    lr_decay_of=300,
    l2=3e-4,
    source="Ramé, Sun and Cord, MixMo, ICCV 2021",
)
_CIFAR = {
    "deterministic": Recipe(train_epochs=200),
    "mc_dropout": Recipe(
        train_epochs=200, options={"dropout_rate": 0.1, "samples": 1}
    ),
    "naive_multihead": Recipe(ensemble_size=3),
    "mimo": Recipe(ensemble_size=3, batch_repetitions=4, l2=3e-4),
    "treenet": Recipe(ensemble_size=3, options={"split": "2"}),
    "batch_ensemble": Recipe(
        ensemble_size=4,
        batch_size=128,
        l2=3e-4,
        options={"random_sign_init": -0.5, "fast_weight_lr_multiplier": 0.5},
    ),
    "deep_ensemble": Recipe(ensemble_size=4, train_epochs=200),
    "rank1_bnn": Recipe(
        ensemble_size=4,
        batch_size=128,
        lr_decay_ratio=0.2,
        l2=1e-4,
        options={
            "dropout_rate": 1e-3,
            "kl_annealing_epochs": 200,
            # As there: a mean of cross-entropies, one KL term.
            "kl_weight": 4.0,
            "random_sign_init": 0.5,
            "prior_mean": 1.0,
            "prior_stddev": 0.1,
        },
        source="Dusenberry et al., ICML 2020, in Uncertainty-Baselines",
    ),
    "mixmo": _MIXMO,
    "mixshare": dataclasses.replace(
        _MIXMO,
        width_multiplier=2,
        batch_repetitions=2,
        input_repetition_probability=0.1,
        batch_size=128,
        base_learning_rate=0.1 / 2,
        lr_decay_epochs=(75, 150, 225),
        options={"unmix": "fadeout", "fadeout_epochs": 100.0},
        source="Sun et al., MixShare, CVPR Workshops 2022, appendices A and B",
    ),
    # No paper's: MIMO's training of the multiplexer that MIMMO compares with.
    "datamux": Recipe(
        ensemble_size=2,
        batch_repetitions=4,
        l2=3e-4,
        options={"keys": "conv"},
        source="Havasi et al., ICLR 2021, appendix B, with its convolutions of "
        "Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B",
    ),
    "mixture_ensemble": Recipe(
        ensemble_size=4,
        batch_size=128,
        train_epochs=200,
        lr_decay_epochs=(60, 120, 180),
        lr_decay_ratio=0.2,
        lr_warmup_epochs=0,
        # Weight decay of 5e-4 is the gradient of 2.5e-4 times the squares.
        l2=2.5e-4,
        options={"num_params": 1.0, "templates_per_layer": 5},
        source="Teterwak et al., MixtureEnsembles, 2021, appendix A.1",
    ),
}

# (accuracy in %, NLL, ECE) on the clean test set: tables 1 and 2 of the paper.
_REPORTED = {
    ("cifar10", "deterministic"): (96.0, 0.159, 0.023),
    ("cifar10", "mc_dropout"): (95.9, 0.160, 0.024),
    ("cifar10", "naive_multihead"): (95.9, 0.161, 0.022),
    ("cifar10", "mimo"): (96.4, 0.123, 0.010),
    ("cifar10", "treenet"): (95.9, 0.158, 0.018),
    ("cifar10", "batch_ensemble"): (96.2, 0.143, 0.021),
    ("cifar10", "deep_ensemble"): (96.6, 0.114, 0.010),
    ("cifar100", "deterministic"): (79.8, 0.875, 0.086),
    ("cifar100", "mc_dropout"): (79.6, 0.830, 0.050),
    ("cifar100", "naive_multihead"): (79.5, 0.834, 0.048),
    ("cifar100", "mimo"): (82.0, 0.690, 0.022),
    ("cifar100", "treenet"): (80.8, 0.777, 0.047),
    ("cifar100", "batch_ensemble"): (81.5, 0.740, 0.056),
    ("cifar100", "deep_ensemble"): (82.7, 0.666, 0.021),
}
# The same of MixtureEnsembles: its tables 1, 2 and 3.
_REPORTED_MIXTURES = {
    "cifar10": "table 1: accuracy 96.3%, NLL 0.12, ECE 0.008",
    "cifar100": "tables 2 and 3: accuracy 82.2%, NLL 0.702, ECE 0.027",
}
# Table 1 of Sun et al., CVPR Workshops 2022 (MixShare), for WRN-28-2.
_REPORTED_SHARING = (
    "table 1: accuracy 79.0%, members 76.7%; mixmo 74.8% and 71.6%; on "
    "WRN-28-5 82.4%, members 81.6%; mixmo 81.9% and 79.4%"
)

# Table 3 of Havasi et al., ICLR 2021, and appendix A.2 of MixtureEnsembles.
# Wide ResNet-50 is width_multiplier=2; the wide rows of table 3 are 77.885%,
# 0.938, 0.072 for deterministic and 79.3%, 0.843, 0.061 for mimo.
_RESNET = Recipe(
    backbone="resnet50_{width}",
    width_multiplier=1,
    batch_size=4096,
    train_epochs=90,
    images_per_rate=256,
    lr_decay_epochs=(30, 60, 80),
    lr_decay_of=90,
    lr_warmup_epochs=5,
    l2=1e-4,
    l2_scope="kernels",
)
_IMAGENET_CHANGES = {
    "deterministic": {"reported": (76.1, 0.943, 0.039)},
    "naive_multihead": {
        "ensemble_size": 3,
        "train_epochs": 150,
        "reported": (76.611, 0.929, 0.043),
    },
    "mimo": {
        "ensemble_size": 2,
        "batch_repetitions": 2,
        "input_repetition_probability": 0.6,
        "train_epochs": 150,
        "reported": (77.5, 0.887, 0.037),
    },
    "treenet": {
        "ensemble_size": 2,
        "train_epochs": 150,
        "options": {"split": "2"},
        "reported": (78.139, 0.852, 0.017),
    },
    "batch_ensemble": {
        "ensemble_size": 4,
        "batch_size": 1024,
        "train_epochs": 135,
        "options": {"random_sign_init": -0.5, "fast_weight_lr_multiplier": 0.5},
        "reported": (76.7, 0.944, 0.049),
    },
    "deep_ensemble": {"ensemble_size": 4, "reported": (77.5, 0.877, 0.031)},
    "mixture_ensemble": {
        "ensemble_size": 4,
        "batch_size": 1024,
        # 1.6 at a batch of 1024.
        "base_learning_rate": 0.4,
        "lr_warmup_epochs": 10,
        "nesterov": False,
        "l2": 5e-5,
        "label_smoothing": 0.1,
        "options": {
            "num_params": 25.6e6,
            "templates_per_layer": 5,
            "assign": "disjoint",
        },
        "source": "Teterwak et al., MixtureEnsembles, 2021, appendix A.2",
        "reported": "table 5: accuracy 77.2%; 77.9% with num_params=51.2e6",
    },
}

_DIGITS = Recipe(
    backbone="small_cnn_{width}",
    width_multiplier=2,
    batch_size=32,
    train_epochs=40,
    base_learning_rate=0.12,
    lr_decay_ratio=0.2,
    l2=3e-4,
    source="tuned here on one seed; see README.md for results",
)
_DIGITS_CHANGES = {
    "deterministic": {},
    "mc_dropout": {"options": {"dropout_rate": 0.1, "samples": 10}},
    "naive_multihead": {"ensemble_size": 3},
    "mimo": {"ensemble_size": 3, "batch_repetitions": 4, "batch_size": 128},
    "treenet": {"ensemble_size": 3, "options": {"split": "1"}},
    "batch_ensemble": {"ensemble_size": 4},
    "deep_ensemble": {"ensemble_size": 4},
    "rank1_bnn": {
        "ensemble_size": 4,
        "options": {"kl_annealing_epochs": 32, "samples": 4},
    },
    # As mimo's, with half of the repetitions.
    "mixmo": {"ensemble_size": 2, "batch_repetitions": 2, "batch_size": 64},
    "datamux": {"ensemble_size": 2, "batch_repetitions": 2, "batch_size": 64},
    # What unmixes needs a last map of more than one position.
    "mixshare": {
        "backbone": "wide_resnet_16_{width}",
        "ensemble_size": 2,
        "batch_repetitions": 2,
        "batch_size": 64,
        "input_repetition_probability": 0.1,
        # A third of training, as in the paper.
        "options": {"unmix": "fadeout", "fadeout_epochs": 13.0},
    },
    # Small_cnn has no two kernels of a shape: a network that has.
    "mixture_ensemble": {
        "backbone": "wide_resnet_16_{width}",
        "width_multiplier": 1,
        "ensemble_size": 4,
        "options": {"num_params": 1.0, "templates_per_layer": 5},
    },
}


def _scores(table, accuracy, nll, ece):
    return f"table {table}: accuracy {accuracy}%, NLL {nll}, ECE {ece}"


def _table():
    rows = {}
    for dataset in ("cifar10", "cifar100"):
        for method, row in _CIFAR.items():
            rows[dataset, method] = row
    for (dataset, method), (accuracy, nll, ece) in _REPORTED.items():
        table = 1 if dataset == "cifar10" else 2
        rows[dataset, method] = dataclasses.replace(
            _CIFAR[method],
            reported=_scores(table, accuracy, nll, ece),
        )
    for dataset, reported in _REPORTED_MIXTURES.items():
        row = _CIFAR["mixture_ensemble"]
        rows[dataset, "mixture_ensemble"] = dataclasses.replace(
            row, reported=reported
        )
    rows["cifar100", "mixshare"] = dataclasses.replace(
        _CIFAR["mixshare"], reported=_REPORTED_SHARING
    )
    for method, changes in _IMAGENET_CHANGES.items():
        row = dataclasses.replace(_RESNET, **changes)
        if isinstance(row.reported, tuple):
            row = dataclasses.replace(row, reported=_scores(3, *row.reported))
        rows["imagenet2012", method] = row
    # Only their own paper trains them: its settings are theirs.
    for dataset in ("cifar10", "cifar100", "digits"):
        for method in ("mimmo", "dun", "early_exit"):
            rows[dataset, method] = mimmo_recipes.recipe(
                Recipe(), dataset, method
            )
    for method, changes in _DIGITS_CHANGES.items():
        rows["digits", method] = dataclasses.replace(_DIGITS, **changes)
    return rows


RECIPES = _table()


def recipe(dataset, method, table=None):
    """Returns the `Recipe` of a data set and a method.

    Args:
        dataset: The data set.
        method: The method.
        table: "mimmo" for the settings that this paper gives all of its
            methods; None for those of the method's own paper.

    Raises:
        InputError: There is none; the message lists the methods that have.
    """
    if table == "mimmo":
        return mimmo_recipes.recipe(Recipe(), dataset, method)
    if (dataset, method) not in RECIPES:
        methods = sorted(m for d, m in RECIPES if d == dataset)
        raise expected(
            f"a method with a recipe for {dataset}: {', '.join(methods)}",
            f"method={method!r}",
            "Choose one of these.",
        )
    return RECIPES[dataset, method]
