"""Bars count batches, and hide nothing of them."""

import pytest

from mimo_keras.errors import InputError
from mimo_keras.prediction import batch_bars


@pytest.mark.parametrize(("count", "last"), [(3, "3/3"), (None, "3/Unknown")])
def test_a_bar_counts_to_the_end(capsys, count, last):
    found = [*batch_bars.shown(iter("abc"), count, 1)]
    assert found == ["a", "b", "c"]
    assert last in capsys.readouterr().out


def test_there_is_none_in_a_pipe(capsys):
    for verbose in (0, "auto"):
        assert [*batch_bars.shown("ab", 2, verbose)] == ["a", "b"]
    assert [*batch_bars.shown("", 0, 1)] == []
    assert capsys.readouterr().out == ""


def test_counts_are_asked_for():
    assert batch_bars.count_of([1, 2]) == 2
    assert batch_bars.count_of(iter([1])) is None


def test_other_settings_are_one_line():
    with pytest.raises(InputError, match="verbose='loud'"):
        batch_bars.shown([], 0, "loud")
