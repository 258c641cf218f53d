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
    """

    dataset: str
    base: str
    vary: tuple[str, ...]
    digits: tuple[str, ...] | None = None
    panels: tuple[str, ...] = ("accuracy", "log_likelihood")
    against: str | None = None

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
_SHARES = "input_repetition_probability=0,0.2,0.4,0.6,0.8,1"
FIGURES = (
    Figure(
        "mimo5",
        _MIMO.format(5),
        tuple(
            Grid(name, "mimo:3", ("ensemble_size=1,2,3,4,5",))
            for name in ("cifar10", "cifar100")
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
                (_SHARES, "width_multiplier=2,4"),
            ),
            Grid(
                "cifar10",
                "mimo:3",
                (
                    "batch_repetitions+images_per_step="
                    "1+128,2+128,3+128,4+128,5+128",
                ),
                ("batch_repetitions+images_per_step=1+32,2+32,3+32,4+32,5+32",),
            ),
        ),
        notes=(
            "Panel b of the paper is a box plot over twelve settings of batch "
            "size, learning rate and M, which it does not list; here it is one "
            "setting.",
        ),
    ),
    Figure(
        "mimmo5",
        _MIMMO.format(5),
        (
            Grid(
                "cifar100",
                "mimmo:2:recipe=mimmo",
                (
                    "alpha=0,1,100,10000,45000,100000,1000000",
                    *_SIZES,
                ),
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
                (
                    "backbone=bottleneck_resnet,bottleneck_resnet_2_1,"
                    "bottleneck_resnet_1_2,bottleneck_resnet_2_2",
                    *_SIZES,
                ),
                panels=_BOTH,
                against="cost/params",
            ),
        ),
    ),
)
