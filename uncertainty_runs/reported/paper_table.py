"""A table of a paper: what each row runs, and what the paper reports."""

import dataclasses
from collections.abc import Callable

OF_CIFAR100 = (
    "Images of CIFAR-100 are normalized by its own means and deviations; the "
    "authors' code uses those of CIFAR-10 for both."
)
"""A difference from the code of three papers."""


def _same(value):
    return value


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its title.
        keys: Keys of results.json; each may be missing from a run.
        digits: Decimal places of what is measured.
        value: Function from the values of the keys to the measured number, in
            the paper's unit.
        spread: Key of a standard deviation within each run, which the paper
            gives instead of that over seeds.
        relative: Whether numbers are shown divided by those of the first row.
        instead: Keys for runs that lack the others, such as those on digits.
    """

    title: str
    keys: tuple[str, ...]
    digits: int
    value: Callable = _same
    spread: str | None = None
    relative: bool = False
    instead: tuple[str, ...] = ()

    def measured(self, run):
        """Returns the number of a run; None if it lacks a key."""
        lacks = any(run.get(key) is None for key in self.keys)
        return self._value(run, (lacks and self.instead) or self.keys)

    def measured_spread(self, run):
        """Returns the standard deviation within a run, or None."""
        return self.spread and self._value(run, (self.spread,))

    def _value(self, run, keys):
        values = [run.get(key) for key in keys]
        return None if None in values else self.value(*values)


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table: one run for each seed.

    Attributes:
        label: Its name in the paper.
        method: The method.
        members: M.
        reported: The paper's number in each column of the table, or (mean,
            standard deviation); None where there is none. Empty for no numbers
            at all.
        flags: Flag -> value, besides the recipe's.
        own: The same, only on the paper's data sets, not on digits.
        digits: The same, only on digits.
    """

    label: str
    method: str
    members: int
    reported: tuple = ()
    flags: dict = dataclasses.field(default_factory=dict)
    own: dict = dataclasses.field(default_factory=dict)
    digits: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a paper.

    Attributes:
        name: Its name as a flag.
        source: Authors, venue, year, table: the source of every number in it.
        dataset: The data set.
        columns: `Column`s.
        rows: `Row`s.
        flags: Flag -> value of all rows that have no other.
        digits: The same, only on digits.
        notes: What is known to differ from the paper's runs.
    """

    name: str
    source: str
    dataset: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    flags: dict = dataclasses.field(default_factory=dict)
    digits: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def options(self, row, dataset=None):
        """Returns the flags of a row's run as "flag=value", without M.

        Args:
            row: One of the rows.
            dataset: The data set; None for the paper's.
        """
        if dataset == "digits":
            parts = (row.flags, row.digits, self.flags, self.digits)
        else:
            parts = (row.flags, row.own, self.flags)
        chosen = {}
        for part in parts:
            chosen |= {n: v for n, v in part.items() if n not in chosen}
        return tuple(f"{name}={value}" for name, value in chosen.items())

    def result_keys(self):
        """Returns all keys of results.json that the columns need."""
        keys = [k for c in self.columns for k in (*c.keys, *c.instead)]
        spreads = [c.spread for c in self.columns if c.spread]
        return list(dict.fromkeys([*keys, *spreads]))

    def figure(self, row, title):
        """Returns a row's reported number in a column, without its deviation.

        None if there is none.
        """
        titles = [column.title for column in self.columns]
        reported = row.reported or (None,) * len(titles)
        cell = reported[titles.index(title)]
        return cell[0] if isinstance(cell, tuple) else cell


def percent(share):
    return 100 * share


def millions(count):
    return count / 1e6


def quality(of, prefix=""):
    """Returns the columns accuracy in per cent, NLL and ECE of a suite.

    Args:
        of: What the keys of the suite begin with.
        prefix: What the titles begin with.
    """
    return (
        Column(f"{prefix}Accuracy", (f"{of}/accuracy",), 1, percent),
        Column(f"{prefix}NLL", (f"{of}/nll",), 3),
        Column(f"{prefix}ECE", (f"{of}/ece",), 3),
    )


def parameters(title="Params [M]"):
    return Column(title, ("cost/params",), 2, millions)


def flops(title="FLOPs [×]"):
    """Returns the column of FLOPs of a prediction in those of the first row."""
    return Column(title, ("cost/flops",), 3, relative=True)
