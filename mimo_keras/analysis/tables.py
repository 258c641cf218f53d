"""Tables as plain text for a terminal and as Markdown for a README."""

import math
import statistics

from mimo_keras.analysis import summary
from mimo_keras.errors import expected


def results_table(results):
    """Returns the results of a run as text for a terminal.

    Args:
        results: `evaluation.Results`.

    Returns:
        Aligned tables under their titles, separated by blank lines; tables
        without results are omitted. No newline at the end.

    Example:

    ```python
    results = mimo_keras.evaluation.Results.from_flat({"test/accuracy": 0.9})
    print(mimo_keras.analysis.results_table(results))
    ```
    """
    size = max(len(summary.members(results).rows) - 1, 0)
    parts = {
        "Quality": summary.quality(results),
        "Diversity": summary.diversity(results),
        f"Members ({size})": summary.member_spread(results),
        "Natural test sets": summary.natural(results),
        "Unreadable images": summary.skipped(results),
        "Out of distribution": summary.ood(results),
        "Cost": summary.cost(results),
    }
    blocks = []
    for title, table in parts.items():
        if table.rows:
            header = (title, *table.columns[1:])
            blocks.append(_aligned([header, *table.rows]))
    return "\n\n".join(blocks)


def _aligned(lines):
    """Returns rows as aligned lines, names left and numbers right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(_padded(line, widths)).rstrip() for line in lines]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([text[0], rule, *text[1:]])


def _padded(cells, widths):
    first, *others = zip(cells, widths, strict=True)
    name, width = first
    return [name.ljust(width), *(c.rjust(w) for c, w in others)]


def markdown_table(rows, columns):
    """Returns a table in GitHub's Markdown.

    Args:
        rows: The rows, each with one cell per column; cells are written as by
            `str`.
        columns: The columns' names. The first column is left-aligned, the
            others are right-aligned.

    Returns:
        The table with a newline after each line but the last.

    Raises:
        InputError: If a row has more or fewer cells than there are columns.

    Example:

    ```python
    columns = ["Method", "Accuracy"]
    print(mimo_keras.analysis.markdown_table([["mimo", 0.98]], columns))
    ```
    """
    for row in rows:
        if len(row) != len(columns):
            raise expected(
                f"{len(columns)} cells in each row",
                f"row={tuple(row)!r}",
                "Pass one cell per column in each row.",
            )
    lines = [[_cell(value) for value in row] for row in (columns, *rows)]
    widths = [max(3, *map(len, cells)) for cells in zip(*lines, strict=True)]
    rules = [":" + "-" * (widths[0] - 1)]
    rules += ["-" * (width - 1) + ":" for width in widths[1:]]
    lines = [_padded(line, widths) for line in lines]
    lines.insert(1, rules)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value):
    return " ".join(str(value).split()).replace("|", "\\|")


def mean_and_std(values, digits=4):
    """Returns numbers over seeds as "0.9812 ± 0.0021".

    Args:
        values: One number per seed. The deviation is the sample's (n − 1 in the
            denominator); a single number has none and is shown alone.
        digits: Decimal places.

    Returns:
        The mean and, for two or more numbers, the standard deviation.

    Raises:
        InputError: If there are no numbers.

    Example:

    ```python
    mimo_keras.analysis.mean_and_std([0.9, 0.8], digits=2)   # 0.85 ± 0.07
    ```
    """
    numbers, mean = _numbers_and_mean(values, digits)
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(numbers):.{digits}f}"


def mean_and_interval(values, digits=4):
    """Returns numbers over seeds with the 95% interval of their mean.

    Args:
        values: One number per seed; a single number is shown alone.
        digits: Decimal places.

    Returns:
        "0.0213 ± 0.0043": the mean, and Student's t of n − 1 degrees of
        freedom at 97.5% times the standard error s / √n.

    Raises:
        InputError: If there are no numbers.
    """
    numbers, mean = _numbers_and_mean(values, digits)
    if len(numbers) == 1:
        return mean
    import scipy.stats

    count = len(numbers)
    error = statistics.stdev(numbers) / math.sqrt(count)
    half = scipy.stats.t.ppf(0.975, count - 1) * error
    return f"{mean} ± {half:.{digits}f}"


def _numbers_and_mean(values, digits):
    numbers = [float(value) for value in values]
    if not numbers:
        raise expected("at least one number", "values=[]", "Pass one per seed.")
    return numbers, f"{statistics.fmean(numbers):.{digits}f}"
