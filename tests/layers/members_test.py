import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import FoldMembers
from mimo_keras.layers.members import rows_per_member


def test_rows_are_shared_out_evenly():
    assert rows_per_member(12, 4) == 3
    assert rows_per_member(None, 4) is None


def test_rows_that_cannot_be_shared_out_are_refused():
    with pytest.raises(InputError, match="4 members.*rows=10.*FoldMembers"):
        rows_per_member(10, 4)


def test_an_ensemble_has_a_member_at_least():
    with pytest.raises(InputError, match="ensemble_size=0"):
        FoldMembers(0)
