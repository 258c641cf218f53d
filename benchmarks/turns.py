"""Times contestants in turn, and compares them."""

import importlib.metadata
import importlib.util
import statistics

MOST = 401


def ratios(rivals, base, what, rows, least, seconds):
    """Times contestants in turn, all against one yardstick.

    Args:
        rivals: List of `Worker`.
        base: `Worker`, the yardstick.
        what: What they do, such as "step".
        rows: Number of rows.
        least: Minimum number of turns.
        seconds: Time budget for further turns, up to `MOST` in total.

    Returns:
        A dictionary for each rival: "ratio", the median over turns, its
        "range", "turns", the medians "seconds" and "base_seconds",
        "processor_ratio", the median ratio of processor time, "fastest_ratio",
        that of the fastest turns of both, and peak memory.
    """
    everyone = [base, *rivals]
    for one in everyone:
        one.seconds(what, rows)  # The first call compiles.
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
    """Returns the times of each contestant in one turn.

    The first contestant and the direction change between turns, so that drifts
    within turns affect all equally.
    """
    order = [(i + number) % len(everyone) for i in range(len(everyone))]
    took = {
        i: everyone[i].seconds(what, rows)
        for i in (reversed(order) if number % 2 else order)
    }
    return [took[i] for i in range(len(everyone))]


def summary(turns):
    """Returns the statistics of turns.

    Args:
        turns: Pairs of a contestant's times and the yardstick's, each a pair of
            wall-clock and processor seconds.
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
        "base_processor_seconds": statistics.median(b[1] for _, b in turns),
        # Other work only adds time: the fastest turns have the least of it.
        "fastest_ratio": min(a for a, _ in times) / min(b for _, b in times),
    }


def within(worker, mine, base, rows, count):
    """Times two tasks of one contestant in turn; see `summary`."""
    times = [
        (worker.seconds(mine, rows), worker.seconds(base, rows))
        for _ in range(count + 1)
    ]
    return summary(times[1:])  # The first call compiles.


def seconds(worker, what, rows, count, processor=False):
    """Returns the median (processor) seconds of one contestant's task."""
    times = [worker.seconds(what, rows)[processor] for _ in range(count + 1)]
    return statistics.median(times[1:])  # The first call compiles.


def installed(package):
    return importlib.util.find_spec(package) is not None


def versions():
    """Returns the versions of the installed libraries that may take part."""
    names = ("tensorflow", "tf_keras", "jax", "torch", "torch-uncertainty")
    installed_versions = {}
    for name in names:
        try:
            installed_versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed_versions
