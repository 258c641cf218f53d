"""The papers' figures that are grids of runs.

Their numbers are in no text, so nothing is compared. Settings that the papers
name only on axes are read from the axes.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Grid:
    """A panel of a figure: the flags of sweep.py that draw it.

    Attributes:
        dataset: The data set.
        base: --base.
        vary: --vary, once for each flag.
        digits: --vary on digits; None for the same.
        panels: --panels.
        against: --against.
        boxes: --boxes.
    """

    dataset: str
    base: str
    vary: tuple[str, ...]
    digits: tuple[str, ...] | None = None
    panels: tuple[str, ...] = ("accuracy", "log_likelihood")
    against: str | None = None
    boxes: bool = False

    def on(self, dataset):
        """Returns the same panel on another data set; None for its own."""
        vary = self.digits if dataset == "digits" else None
        return dataclasses.replace(
            self,
            dataset=dataset or self.dataset,
            vary=self.vary if vary is None else vary,
            digits=None,
        )


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a paper.

    Attributes:
        name: Its name as a flag.
        source: Authors, venue, year and figure.
        grids: Its panels.
        notes: What is known to differ.
    """

    name: str
    source: str
    grids: tuple[Grid, ...]
    notes: tuple[str, ...] = ()


_MIMO = "Havasi et al., ICLR 2021, figure {}"
_MIMMO = "Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, figure {}"
_BOTH = tuple(
    f"{prefix}{score}"
    for prefix in ("", "shifted_")
    for score in ("nll", "ece", "brier", "accuracy")
)
_SIZES = ("ensemble_size=2,4,8",)
_FEW_SIZES = ("ensemble_size=2,4",)
_REPEATED = "input_repetition_probability={}"
_SHARES = _REPEATED.format("0,0.2,0.4,0.6,0.8,1")
_FEW_SHARES = _REPEATED.format("0,0.3,0.6,1")
_BACKBONES = (
    "backbone=bottleneck_resnet,bottleneck_resnet_2_1,bottleneck_resnet_1_2,"
    "bottleneck_resnet_2_2"
)
_ON_CIFAR = ("cifar10", "cifar100")
# As the authors' code regularizes: norms have a coefficient of their own, the
# first layer and the heads have M times that of the others.
_THEIRS = "norm_l2=3e-4:scale_ends"
# The labels of the axes.
_L1 = "l1=1e-6,1e-5,1e-4,1e-3"
_L2 = "l2=1e-3,3.16e-3,1e-2,3.16e-2,1e-1,3.16e-1"


def _regularized(other, strengths, on_digits, against=None):
    """Returns the panels of a figure of L1 or L2, the other being 0."""
    return tuple(
        Grid(
            name,
            f"mimo:3:{other}=0:{_THEIRS}",
            (strengths, "ensemble_size=1,2,3,4,5,6"),
            (on_digits, "ensemble_size=1,3"),
            against=against,
        )
        for name in _ON_CIFAR
    )


_OF_L1 = ("l2", _L1, "l1=1e-5,1e-4,1e-3")
_AXES = "Coefficients are those at the ticks of the axes; the paper has more."
_NORMS = (
    "The fixed L2 of norms is that of the recipe, 3e-4; the text does not "
    "mention it."
)
FIGURES = (
    Figure(
        "mimo5",
        _MIMO.format(5),
        tuple(
            Grid(name, "mimo:3", ("ensemble_size=1,2,3,4,5",))
            for name in _ON_CIFAR
        ),
    ),
    Figure(
        "mimo6",
        _MIMO.format(6),
        (
            Grid(
                "imagenet2012",
                "mimo:2",
                (_SHARES, "width_multiplier=1,2"),
                (_FEW_SHARES, "width_multiplier=2,4"),
            ),
            Grid(
                "cifar10",
                "mimo:3",
                (
                    "batch_repetitions=1,2,3,4,5",
                    "images_per_step=128,512",
                    "base_learning_rate=0.05,0.1",
                    "ensemble_size=2,3,4",
                ),
                (
                    "batch_repetitions=1,4",
                    "images_per_step=32,64",
                    "base_learning_rate=0.06,0.12",
                    "ensemble_size=2,3,4",
                ),
                boxes=True,
            ),
        ),
        notes=(
            "Panel b of the paper is a box plot over twelve settings of batch "
            "size, learning rate and M, which it does not list; here they are "
            "two batch sizes, two rates and three M.",
        ),
    ),
    Figure(
        "mimo7",
        _MIMO.format(7),
        _regularized(*_OF_L1),
        notes=(_AXES, _NORMS),
    ),
    Figure(
        "mimo8",
        _MIMO.format(8),
        _regularized("l1", _L2, "l2=1e-4,1e-3,1e-2"),
        notes=(_AXES, _NORMS),
    ),
    Figure(
        "mimo9",
        _MIMO.format(9),
        _regularized(*_OF_L1, "weights/kept"),
        notes=(_AXES, _NORMS),
    ),
    Figure(
        "mimmo5",
        _MIMMO.format(5),
        (
            Grid(
                "cifar100",
                "mimmo:2:recipe=mimmo",
                ("alpha=0,1,100,10000,45000,100000,1000000", *_SIZES),
                ("alpha=0,1000,1000000", *_FEW_SIZES),
                panels=_BOTH,
            ),
        ),
    ),
    Figure(
        "mimmo6",
        _MIMMO.format(6),
        (
            Grid(
                "cifar100",
                "mimmo:2:recipe=mimmo",
                (_BACKBONES, *_SIZES),
                (_BACKBONES, "ensemble_size=2"),
                panels=_BOTH,
                against="cost/params",
            ),
        ),
    ),
)
