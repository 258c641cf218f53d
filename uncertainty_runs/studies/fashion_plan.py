"""The rows of the study of Fashion-MNIST, and how each of them is tuned."""

import dataclasses
import math

from mimo_keras import methods
from mimo_keras.analysis import method_title
from mimo_keras.errors import expected
from uncertainty_runs.studies.engine import Point

DATASET = "fashion_mnist"
TUNED_ON = "0"
"""The seed of all runs that settings are chosen by."""
IMAGES_PER_STEP = 128
HELD_OUT = 0.05
"""Share of the training images that settings are chosen on: 3,000."""
PARTS = (
    *("main", "others", "members", "repetitions", "rho", "widths"),
    *("budgets", "deep", "all"),
)
"""Groups of rows, in the order in which they are run."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table: a method with its settings, over several seeds.

    Attributes:
        part: One of `PARTS`.
        title: What the tables call it.
        method: The method.
        members: M.
        options: Further flags of its runs, as "flag=value".
        seeds: Number of seeds.
        like: Title of the row whose tuned settings it takes; None if it is
            tuned itself.
        base: Title of the row that it is compared with; None for no other.
        tuned: (flag, values) that it is tuned over, in place of those of all
            rows or after them.
        deep: Whether it is on the plan's second network.
        whole: Whether it is trained on all images.
        x: Its place in a figure, such as the width; None for none.
    """

    part: str
    title: str
    method: str
    members: int
    options: tuple[str, ...] = ()
    seeds: int = 3
    like: str | None = None
    base: str | None = "Deterministic"
    tuned: tuple = ()
    deep: bool = False
    whole: bool = False
    x: float | None = None

    @property
    def entry(self):
        """The method with M, as in --methods."""
        return f"{self.method}:{self.members}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the whole study has in common; the facts of its record.

    Attributes:
        backbone: The network.
        deep_backbone: That of `deep_methods`.
        deep_methods: Methods that `backbone` is no network for: it may lack
            several layers of one shape, or maps.
        members: M of the methods whose prediction costs M networks.
        repetitions: R of the methods of several inputs.
        train_examples: Training images, apart from those held out.
        corrupted_examples: Images of each corrupted set; 0 for all.
        rates: Learning rates to choose from.
        epochs: Numbers of epochs to choose from.
        l2: Coefficients of Σ w² to choose from.
        widths: Networks to compare numbers of members on.
        options: Further flags of all runs.
        budgets: Parameters of mixture_ensemble, as shares of one network's.
    """

    backbone: str
    deep_backbone: str
    deep_methods: tuple[str, ...]
    members: int
    repetitions: int
    train_examples: int
    corrupted_examples: int
    rates: tuple[str, ...]
    epochs: tuple[str, ...]
    l2: tuple[str, ...]
    widths: tuple[str, ...]
    options: tuple[str, ...]
    # Records of older versions lack it.
    budgets: tuple[str, ...] = ("0.5", "2.0")

    def facts(self):
        """Returns the fields as they are in a record."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def of(cls, record):
        """Returns the plan of a record."""
        values = {
            field.name: record[field.name]
            for field in dataclasses.fields(cls)
            if field.name in record or field.default is dataclasses.MISSING
        }
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )

    def grid(self, row):
        """Returns the (flag, values) that a row is tuned over, in order."""
        common = {
            "base_learning_rate": self.rates,
            "train_epochs": self.epochs,
            "l2": self.l2,
        }
        return tuple((common | dict(row.tuned)).items())

    def point(self, row, settings, tune=False):
        """Returns the `engine.Point` of a row.

        Args:
            row: The `Row`.
            settings: Flag -> value, as tuned.
            tune: Whether the run is one to choose settings by.
        """
        own = methods.options(row.method)
        several = "batch_repetitions" in own
        options = {
            "backbone": self.deep_backbone if row.deep else self.backbone,
            "images_per_step": IMAGES_PER_STEP,
            **({"batch_repetitions": self.repetitions} if several else {}),
        }
        if not row.whole:
            options["train_examples"] = self.train_examples
            options["validation_share"] = HELD_OUT
        options |= settings
        options |= dict(option.split("=", 1) for option in row.options)
        more = ("tune",)
        if not tune:
            more = (f"corrupted_examples={self.corrupted_examples}",)
        texts = [f"{name}={value}" for name, value in options.items()]
        texts += self.options
        return Point(DATASET, row.method, row.members, tuple(texts), more)

    def rows(self):
        """Returns all rows, in order."""
        found = [
            *_deep(self),
            *_main(self),
            *_others(self),
            *_members(self),
            *_widths(self),
            *_of_mimo("repetitions", "batch_repetitions", "R", (1, 2, 4, 8)),
            *_of_mimo(
                *("rho", "input_repetition_probability", "ρ"),
                (0.25, 0.5, 0.75),
            ),
            *_budgets(self),
            *_whole(self),
        ]
        placed = (_placed(self, row) for row in found)
        return sorted(placed, key=lambda row: PARTS.index(row.part))


def order(plan, seeds, parts=PARTS, chosen=()):
    """Yields (row, seed) in the order of running: part by part, seed by seed.

    Args:
        plan: `Plan`.
        seeds: The seeds, of which a row takes the first ones.
        parts: Those of `PARTS` to run.
        chosen: "method:M" of the rows to run; empty for all.
    """
    for part in PARTS:
        rows = [
            row
            for row in plan.rows()
            if row.part == part in parts and (not chosen or row.entry in chosen)
        ]
        for number, seed in enumerate(seeds):
            yield from ((row, seed) for row in rows if number < row.seeds)


def search(plan, row, score):
    """Returns a row's tuned settings: flag -> value.

    One flag after the other, at the values that were best for those before,
    and for those after at the middle ones of their list: the same number of
    runs for each method.

    Args:
        plan: `Plan`.
        row: A `Row` that is tuned itself.
        score: Function from the `Point` of a run to its NLL on the images held
            out.
    """
    grid = plan.grid(row)
    settings = {name: values[(len(values) - 1) // 2] for name, values in grid}
    for name, values in grid:
        if len(values) > 1:
            found = {
                value: score(plan.point(row, settings | {name: value}, True))
                for value in values
            }
            settings[name] = min(found, key=found.get)
    return settings


def title(method, members):
    """Returns what the tables call a method."""
    return method_title(method, members if members > 1 else None)


def _row(part, method, members, *options, **more):
    named = {"title": title(method, members)} | more
    return Row(part, method=method, members=members, options=options, **named)


def _main(plan):
    several = plan.members
    return [
        _row("main", "deterministic", 1, seeds=5, base=None),
        Row(
            "main",
            f"One member, R = {plan.repetitions}",
            *("mimo", 1),
            seeds=5,
        ),
        _row("main", "mimo", 2, seeds=5),
        _row("main", "mimo", 3, seeds=5, like=title("mimo", 2)),
        _row("main", "deep_ensemble", several, seeds=5),
        _row("main", "batch_ensemble", several, seeds=5),
        _row("main", "mixture_ensemble", several, seeds=5),
    ]


def _others(plan):
    rates = ("dropout_rate", ("0.05", "0.1", "0.2"))
    # Their recipes train with Adam.
    adam = ("base_learning_rate", ("1e-3", "3e-3", "1e-2"))
    return [
        _row("others", "mc_dropout", 1, tuned=(rates,)),
        _row("others", "naive_multihead", 3),
        _row("others", "treenet", 3),
        _row("others", "mixmo", 2),
        _row("others", "rank1_bnn", plan.members),
        _row("others", "datamux", 2),
        _row("others", "mimmo", 2, tuned=(adam,)),
        _row("others", "dun", 1, tuned=(adam,)),
        _row("others", "early_exit", 1, tuned=(adam,)),
        _row("others", "mixshare", 2),
    ]


def _deep(plan):
    """Returns the baseline on the second network."""
    if not plan.deep_methods:
        return []
    named = {"title": _deep_base(plan), "deep": True, "base": None}
    return [_row("deep", "deterministic", 1, seeds=5, **named)]


def _deep_base(plan):
    return f"Deterministic, {plan.deep_backbone}"


def _placed(plan, row):
    """Returns a row, on the second network if its method needs that."""
    if row.method not in plan.deep_methods:
        return row
    part = "deep" if row.part in ("main", "others") else row.part
    return dataclasses.replace(row, part=part, deep=True, base=_deep_base(plan))


def _members(plan):
    found = [_row("members", "mimo", 4, like=title("mimo", 2))]
    for method in ("deep_ensemble", "batch_ensemble", "mixture_ensemble"):
        like = title(method, plan.members)
        found += [
            _row("members", method, members, like=like)
            for members in (2, 3, 4)
            if members != plan.members
        ]
    return found


def _widths(plan):
    found = []
    for backbone in plan.widths:
        for method, members in (
            *(("deterministic", 1), ("mimo", 2), ("mimo", 3), ("mimo", 4)),
        ):
            like = title(method, min(members, 2))
            found.append(
                _row(
                    *("widths", method, members, f"backbone={backbone}"),
                    title=f"{title(method, members)}, {backbone}",
                    like=like,
                    base=f"{title('deterministic', 1)}, {backbone}"
                    if members > 1
                    else None,
                    x=_width(backbone),
                )
            )
    return found


def _width(backbone):
    """Returns the number at the end of a network's name.

    Raises:
        InputError: There is none.
    """
    text = backbone.rpartition("_")[2]
    if not text.isdecimal():
        raise expected(
            "widths as networks whose names end with one",
            f"widths={backbone}",
            "For example: --widths=small_cnn_1,small_cnn_2.",
        )
    return int(text)


def _of_mimo(part, flag, letter, values):
    like = title("mimo", 2)
    return [
        _row(
            *(part, "mimo", 2, f"{flag}={value}"),
            title=f"{like}, {letter} = {value}",
            like=like,
            x=value,
        )
        for value in values
    ]


def _budgets(plan):
    like = title("mixture_ensemble", plan.members)
    return [
        _row(
            *("budgets", "mixture_ensemble", plan.members),
            f"num_params={budget}",
            title=f"{like}, {budget} of the parameters",
            like=like,
            x=budget,
        )
        for budget in map(_share, plan.budgets)
    ]


def _share(text):
    """Returns a budget as a number, 2.0 also of "2".

    Raises:
        InputError: It is none, or not above 0.
    """
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share < math.inf:
        raise expected(
            "budgets as shares of one network's parameters",
            f"budgets={text}",
            "For example: --budgets=0.9,2.",
        )
    return share


def _whole(plan):
    found = []
    for method, members in (
        *(("deterministic", 1), ("mimo", 2), ("mimo", 3)),
        ("deep_ensemble", plan.members),
    ):
        name = title(method, members)
        like = title("mimo", 2) if method == "mimo" else name
        found.append(
            _row(
                *("all", method, members),
                title=f"{name}, all images",
                like=like,
                base=None,
                whole=True,
                seeds=1,
            )
        )
    return found
