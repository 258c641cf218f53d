"""The methods that the tests build, their options and backbones."""

import pytest

from mimo_keras import methods

# Mixing ratios are always 1/M, since these tests compare outputs.
EVEN = {"concentration": 1e12, "cutmix_probability": 0.0}
# Settings of methods; all others have two members and no options.
SETTINGS = {
    "deterministic": {"members": 1},
    # Draws have almost no effect, since these tests compare outputs.
    "mc_dropout": {"members": 1, "dropout_rate": 0.0, "samples": 2},
    "batch_ensemble": {"members": 2, "random_sign_init": -0.1},
    "mixture_ensemble": {
        "members": 2,
        "num_params": 1.5,
        "bank_single_layers": True,
    },
    "mimo": {
        "members": 2,
        "batch_repetitions": 2,
        "input_repetition_probability": 0.5,
    },
    "mixmo": {"members": 2, **EVEN},
    "mixshare": {"members": 2, **EVEN},
    "mimmo": {"members": 2, "depth_warmup_epochs": 1},
    "dun": {"members": 1, "depth_warmup_epochs": 1},
    "early_exit": {"members": 1},
}
# Options of a method on one backbone only.
ON_BACKBONE = {("mixshare", "mlp"): {"unmix": "none"}}
# Settings for which replicas draw the rows that one replica would draw: with
# ρ = 1 all members see one image, and with R = 1 each image once, so the draw
# only orders the rows, which does not change a mean over rows.
SAME_ROWS = {
    method: {"members": 2, "input_repetition_probability": 1.0}
    for method in ("datamux", "mimo", "mixmo", "mixshare")
} | {
    "mimmo": {
        **SETTINGS["mimmo"],
        "input_repetition_probability": 1.0,
    }
}

# Outputs differ between calls: see rank1_bnn_test.py.
ELSEWHERE = {"rank1_bnn"}
# Exits follow stages that return maps.
NEED_MAPS = {"dun", "early_exit", "mimmo"}
METHODS = sorted({*methods.list_methods()} - ELSEWHERE)
# Images with every method; batch norm; a regression.
HOME = ("small_cnn", "classification")
SHORT = [
    HOME,
    ("wide_resnet_10_1", "classification"),
    ("mlp", "regression"),
]
# Cases that are only trained.
FURTHER = [("small_cnn", "regression"), ("mlp", "classification")]
# Methods that build differently here: batch norm and a bank that layers share,
# and first layers on vectors. All other cases are in the matrix.
OTHERWISE = {
    ("wide_resnet_10_1", "classification"): {
        "deterministic",
        "mixture_ensemble",
    },
    ("mlp", "regression"): {
        "datamux",
        "deterministic",
        "mimo",
        "mixmo",
        "mixture_ensemble",
    },
    ("small_cnn", "regression"): {"mimmo"},
}
# Methods that neither draw rows nor have their own loss, or do as another does
# (dun as mimmo, mixshare as mixmo): replicas are large, or in the matrix where
# all layers are those of the deterministic network.
PLAIN = {
    "batch_ensemble": pytest.mark.large,
    "deep_ensemble": pytest.mark.large,
    "dun": pytest.mark.large,
    "early_exit": pytest.mark.matrix,
    "mc_dropout": pytest.mark.matrix,
    "mixshare": pytest.mark.large,
    "mixture_ensemble": pytest.mark.large,
    "naive_multihead": pytest.mark.matrix,
    "treenet": pytest.mark.matrix,
}
# Networks for photographs, with methods that replace their convolutions, read
# their stages or add dropout: those always built, and those that are large.
PHOTOGRAPHS = {
    "resnet50": ({"mimo"}, {"batch_ensemble", "mixture_ensemble"}),
    "vit_tiny_8": ({"mixture_ensemble"}, {"mimo", "mixmo"}),
}


def cases(kinds):
    """Every method on these kinds of (backbone, task), where it fits."""
    return [
        (method, *kind)
        for method in METHODS
        for kind in kinds
        if kind[0] != "mlp" or method not in NEED_MAPS
    ]


SHORT_TABLE = cases(SHORT)
TABLE = cases(SHORT + FURTHER)


def crosses(case):
    """Whether other cases cover the parts of this one separately."""
    method, *kind = case
    return tuple(kind) != HOME and method not in OTHERWISE.get(tuple(kind), ())


def is_deep(case):
    return case[1].startswith("wide_resnet")


def matrix_if(condition):
    """A mark for cases that only run with `--matrix`, or none."""
    return [pytest.mark.matrix] * condition


def table(cases, marks=lambda case: matrix_if(crosses(case))):
    """Parametrizes a test by cases with their marks.

    Tests of one case are consecutive, so that they share its model.
    """
    rows = [
        pytest.param(case, id="-".join(case), marks=marks(case))
        for case in cases
    ]
    return pytest.mark.parametrize("case", rows, scope="module")


def replicas():
    """Parametrizes a test by every method, on its fastest backbone."""

    def is_cheap(case):
        return case[1] == ("small_cnn" if case[0] in NEED_MAPS else "mlp")

    def marks(case):
        if is_cheap(case):
            return [PLAIN[case[0]]] if case[0] in PLAIN else []
        # sync_batch_norm_test.py has the norms of replicas.
        if case[0] == "deterministic":
            return [pytest.mark.large]
        return [pytest.mark.matrix]

    either = [c for c in SHORT_TABLE if is_cheap(c) or is_deep(c)]
    return table(either, marks)


def photographs():
    """Parametrizes a test by every method and (method, network)."""

    def marks(case):
        method, backbone = case
        always, large = PHOTOGRAPHS[backbone]
        if method in large:
            return [pytest.mark.large]
        return matrix_if(method not in always)

    return table([(m, name) for m in METHODS for name in PHOTOGRAPHS], marks)
