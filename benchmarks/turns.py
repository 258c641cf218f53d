"""Contestants in turn: what one takes of the time of the other."""

import importlib.metadata
import importlib.util
import statistics

MOST = 401


def ratios(rivals, base, what, rows, least, seconds):
    """Times contestants in turn, all against one yardstick.

    Args:
        rivals: List of `Worker`.
        base: `Worker`, the yardstick.
        what: What they do.
        rows: With how many rows.
        least: Turns at least.
        seconds: For which there are further turns, up to `MOST`.

    Returns:
        A dictionary for each rival: "ratio", the median over turns, its
        "range", "turns", the medians "seconds" and "base_seconds",
        "processor_ratio", the same of processor time, "fastest_ratio", of the
        fastest turns of both, and peaks of memory.
    """
    everyone = [base, *rivals]
    for one in everyone:
        one.seconds(what, rows)  # First calls compile.
    turns, count = [], least
    while len(turns) < count:
        turns.append(_turn(everyone, what, rows, len(turns)))
        if len(turns) == 1:
            took = sum(seconds for seconds, _ in turns[0])
            count = min(MOST, max(least, int(seconds / took)))
    return [
        summary([(turn[i], turn[0]) for turn in turns])
        | {"peak": rival.peak(), "base_peak": base.peak()}
        for i, rival in enumerate(rivals, start=1)
    ]


def _turn(everyone, what, rows, number):
    """Returns what each takes in one turn.

    Who is first changes, and so does the direction: a drift within turns
    meets all alike.
    """
    order = [(i + number) % len(everyone) for i in range(len(everyone))]
    took = {
        i: everyone[i].seconds(what, rows)
        for i in (reversed(order) if number % 2 else order)
    }
    return [took[i] for i in range(len(everyone))]


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
        # Other work only ever adds time: the fastest turns have the least.
        "fastest_ratio": min(a for a, _ in times) / min(b for _, b in times),
    }


def within(worker, mine, base, rows, count):
    """Times two things that one contestant does, in turn; see `summary`."""
    times = [
        (worker.seconds(mine, rows), worker.seconds(base, rows))
        for _ in range(count + 1)
    ]
    return summary(times[1:])  # First calls compile.


def seconds(worker, what, rows, count):
    """Returns the median seconds of what one contestant does."""
    times = [worker.seconds(what, rows)[0] for _ in range(count + 1)]
    return statistics.median(times[1:])  # First calls compile.


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
