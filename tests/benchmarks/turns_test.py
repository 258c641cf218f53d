"""Contestants that take as long as they are told."""

import pytest

from benchmarks import turns


class Contestant:
    """Takes the given times, one after the other, and keeps what it did."""

    def __init__(self, log, name, times):
        self.log, self.name, self.times = log, name, iter(times)

    def seconds(self, what, rows):
        self.log.append((self.name, what, rows))
        seconds = next(self.times)
        return seconds, 2 * seconds + (self.name == "mine")

    def peak(self):
        return {"mine": 200, "base": 100}[self.name]


def test_the_ratio_is_the_median_of_turns_after_two_that_warm_up():
    log = []
    mine = Contestant(log, "mine", [90.0, 1.0, 3.0, 2.0, 8.0])
    base = Contestant(log, "base", [9.0, 1.0, 1.0, 2.0, 2.0])
    found = turns.ratio(mine, base, "step", 16, least=3, seconds=0)
    assert found == {
        "ratio": 3.0,
        "range": [1.0, 4.0],
        "turns": 3,
        "seconds": 3.0,
        "base_seconds": 2.0,
        # (2·3 + 1) / 2, (2·2 + 1) / 4, (2·8 + 1) / 4.
        "processor_ratio": 3.5,
        "peak": 200,
        "base_peak": 100,
    }
    assert log[:2] == [("mine", "step", 16), ("base", "step", 16)]
    # Who goes first changes from turn to turn.
    order = [name for name, _, _ in log[4:]]
    assert order == ["mine", "base", "base", "mine", "mine", "base"]


@pytest.mark.parametrize(
    ("seconds", "count"), [(0, 5), (20, 10), (1e9, turns.MOST)]
)
def test_short_work_gets_more_turns(seconds, count):
    mine, base = (Contestant([], name, [1.0] * 99) for name in ("mine", "base"))
    found = turns.ratio(mine, base, "inference", 1, 5, seconds)
    assert found["turns"] == count


def test_two_things_of_one_contestant():
    log = []
    one = Contestant(log, "mine", [50.0, 1.0, 1.0, 4.0, 3.0, 4.0])
    found = turns.within(one, "formation", "step", 8, 2)
    assert found["ratio"] == pytest.approx((1 / 4 + 3 / 4) / 2)
    assert [what for _, what, _ in log] == ["formation", "step"] * 3
