"""Contestants in turn: what one takes of the time of the other."""

import importlib.metadata
import importlib.util
import statistics

MOST = 41


def ratio(mine, base, what, rows, least, seconds):
    """Times two contestants in turn.

    Args:
        mine: `Worker`.
        base: `Worker`, the yardstick.
        what: What they do.
        rows: With how many rows.
        least: Turns at least.
        seconds: For which there are further turns, up to `MOST`.

    Returns:
        A dictionary: "ratio", the median over turns, its "range", "turns",
        the medians "seconds" and "base_seconds", "processor_ratio", the same
        of processor time, and peaks of memory.
    """
    # First calls compile, second ones may still settle.
    for _ in range(2):
        one = mine.seconds(what, rows)[0] + base.seconds(what, rows)[0]
    count = min(MOST, max(least, int(seconds / one)))
    times = []
    for turn in range(count):
        # Who is first changes: a drift within turns meets both.
        if turn % 2:
            second = base.seconds(what, rows)
            times.append((mine.seconds(what, rows), second))
        else:
            first = mine.seconds(what, rows)
            times.append((first, base.seconds(what, rows)))
    return summary(times) | {"peak": mine.peak(), "base_peak": base.peak()}


def summary(turns):
    """Returns the figures of turns.

    Args:
        turns: Pairs of mine and the yardstick's, each of which is seconds and
            the processors' seconds.
    """
    times = [(a[0], b[0]) for a, b in turns]
    ratios = [a / b for a, b in times]
    return {
        "ratio": statistics.median(ratios),
        "range": [min(ratios), max(ratios)],
        "turns": len(times),
        "seconds": statistics.median(a for a, _ in times),
        "base_seconds": statistics.median(b for _, b in times),
        "processor_ratio": statistics.median(a[1] / b[1] for a, b in turns),
    }


def within(worker, mine, base, rows, count):
    """Times two things that one contestant does, in turn; see `summary`."""
    times = [
        (worker.seconds(mine, rows), worker.seconds(base, rows))
        for _ in range(count + 1)
    ]
    return summary(times[1:])  # First calls compile.


def installed(package):
    return importlib.util.find_spec(package) is not None


def versions():
    """Returns the versions of what is installed and may take part."""
    names = ("tensorflow", "tf_keras", "jax", "torch", "torch-uncertainty")
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
