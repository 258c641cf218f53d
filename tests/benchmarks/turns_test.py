"""Contestants that take the given times."""

import pytest

from benchmarks import turns


class Contestant:
    """Takes the given times, one after the other, and records its calls."""

    def __init__(self, log, name, times):
        self.log, self.name, self.times = log, name, iter(times)

    def seconds(self, what, rows):
        self.log.append((self.name, what, rows))
        seconds = next(self.times)
        return seconds, 2 * seconds + (self.name == "mine")

    def peak(self):
        return {"base": 100, "mine": 200, "other": 300}[self.name]


def test_ratios_are_medians_of_turns_after_one_that_warms_up():
    log = []
    base = Contestant(log, "base", [9.0, 1.0, 1.0, 2.0])
    mine = Contestant(log, "mine", [90.0, 1.0, 3.0, 8.0])
    other = Contestant(log, "other", [7.0, 0.5, 0.5, 0.5])
    first, second = turns.ratios([mine, other], base, "step", 16, 3, seconds=0)
    assert first == {
        "ratio": 3.0,
        "range": [1.0, 4.0],
        "turns": 3,
        "seconds": 3.0,
        "base_seconds": 1.0,
        # (2·1 + 1) / 2, (2·3 + 1) / 2, (2·8 + 1) / 4.
        "processor_ratio": 3.5,
        "base_processor_seconds": 2.0,
        "fastest_ratio": 1.0,
        "peak": 200,
        "base_peak": 100,
    }
    assert (second["ratio"], second["range"]) == (0.5, [0.25, 0.5])
    assert second["fastest_ratio"] == 0.5
    assert second["peak"] == 300
    assert log[:3] == [(n, "step", 16) for n in ("base", "mine", "other")]
    # Who goes first changes from turn to turn, and the direction.
    order = [name for name, _, _ in log[3:]]
    assert order == [
        *("base", "mine", "other"),
        *("base", "other", "mine"),
        *("other", "base", "mine"),
    ]


@pytest.mark.parametrize(
    ("seconds", "count"), [(0, 5), (20, 10), (1e9, turns.MOST)]
)
def test_short_work_gets_more_turns(seconds, count):
    mine, base = (
        Contestant([], name, [1.0] * 999) for name in ("mine", "base")
    )
    (found,) = turns.ratios([mine], base, "inference", 1, 5, seconds)
    assert found["turns"] == count


def test_the_median_without_the_first():
    one = Contestant([], "mine", [50.0, 1.0, 4.0, 3.0])
    assert turns.seconds(one, "formation", 8, 3) == 3.0


def test_two_things_of_one_contestant():
    log = []
    one = Contestant(log, "mine", [50.0, 1.0, 1.0, 4.0, 3.0, 4.0])
    found = turns.within(one, "formation", "step", 8, 2)
    assert found["ratio"] == pytest.approx((1 / 4 + 3 / 4) / 2)
    assert [what for _, what, _ in log] == ["formation", "step"] * 3
