import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import FoldMembers, RepeatMembers, UnfoldMembers

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("rest", [(), (5,), (4, 3, 1)])
def test_each_member_gets_its_rows(rest):
    rows = RNG.normal(size=(6, *rest)).astype("float32")
    unfolded = np.asarray(UnfoldMembers(3)(rows))
    assert unfolded.shape == (2, 3, *rest)
    for image in range(2):
        for member in range(3):
            np.testing.assert_array_equal(
                unfolded[image, member], rows[member * 2 + image]
            )


def test_what_was_folded_comes_back_once_for_each_member():
    images = RNG.normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(
        UnfoldMembers(3)(FoldMembers(3)(images)), RepeatMembers(3)(images)
    )


@pytest.mark.parametrize(("rows", "batch"), [(None, None), (6, 2)])
def test_shape_is_known_before_the_call(rows, batch):
    inputs = keras.Input((None, 4), batch_size=rows)
    assert UnfoldMembers(3)(inputs).shape == (batch, 3, None, 4)


def test_sizes_may_come_with_the_call():
    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, UnfoldMembers(2)(inputs))
    assert model(np.zeros((6, 5, 4), "float32")).shape == (3, 2, 5, 4)


def test_rows_that_members_cannot_share_are_refused():
    with pytest.raises(InputError, match="rows=5"):
        UnfoldMembers(3)(np.zeros((5, 2), "float32"))
