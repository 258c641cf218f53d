"""Measured beside reported: the table of a paper as Markdown."""

import math
import statistics

from mimo_keras import analysis

_NOT_RUN = "not run"


def table(table, runs, dataset):
    """Returns what was measured beside what is reported, and the difference.

    Args:
        table: `Table`.
        runs: Label of a row -> its runs, one for each seed, from a record.
        dataset: The data set of the runs. On another one than the paper's there
            is no difference.

    Returns:
        Markdown with up to three lines for each row: "here", "paper" and
        "difference". A row without runs says so, if others have some.
    """
    columns, first = table.columns, table.rows[0]
    lines = []
    for row in table.rows:
        measured = [
            _measured(column, runs[row.label], runs[first.label])
            for column in columns
        ]
        reported = [
            _reported(cell, base, column)
            for cell, base, column in zip(
                _cells(table, row), _cells(table, first), columns, strict=True
            )
        ]
        if any(runs.values()) and not runs[row.label]:
            blank = ["-"] * (len(columns) - 1)
            lines.append([row.label, "here", _NOT_RUN, *blank])
        told = {"here": measured, "paper": reported}
        if dataset == table.dataset:
            told["difference"] = [
                _difference(a, b)
                for a, b in zip(measured, reported, strict=True)
            ]
        for what, cells in told.items():
            if any(cells):
                signed = what == "difference"
                texts = [
                    _text(cell, column.digits, signed)
                    for cell, column in zip(cells, columns, strict=True)
                ]
                lines.append([row.label, what, *texts])
    return analysis.markdown_table(
        lines, ["Row", "", *(column.title for column in columns)]
    )


def _cells(table, row):
    """Returns a row's reported cells, one for each column."""
    return row.reported or (None,) * len(table.columns)


def _measured(column, runs, first):
    """Returns (mean, deviation or None) of a column's runs; None for none."""
    values = _numbers([column.measured(run) for run in runs])
    if not values:
        return None
    mean, spread = statistics.fmean(values), None
    if column.spread:
        within = _numbers([column.measured_spread(run) for run in runs])
        spread = statistics.fmean(within) if within else None
    elif len({*values}) > 1:  # Parameters are the same for every seed.
        spread = statistics.stdev(values)
    if not column.relative:
        return mean, spread
    bases = _numbers([column.measured(run) for run in first])
    return (mean / statistics.fmean(bases), None) if bases else None


def _numbers(values):
    return [v for v in values if v is not None and math.isfinite(v)]


def _reported(cell, base, column):
    """Returns a reported cell in the same form."""
    if cell is None:
        return None
    if column.relative:
        return cell / base, None
    return cell if isinstance(cell, tuple) else (cell, None)


def _difference(measured, reported):
    if measured is None or reported is None:
        return None
    return measured[0] - reported[0], None


def _text(cell, digits, signed):
    if cell is None:
        return "-"
    mean, spread = cell
    text = f"{mean:{'+' if signed else ''}.{digits}f}"
    return text if spread is None else f"{text} ± {spread:.{digits}f}"
