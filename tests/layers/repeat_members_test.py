"""RepeatMembers gives the same input to every member."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import ConcatenateMembers, RepeatMembers


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("shape", [(4, 5), (2, 6, 6, 3)])
def test_equals_numpy(shape, members):
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    outputs = RepeatMembers(members)(inputs)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(outputs), np.stack([inputs] * members, 1)
    )


def test_two_rows_and_two_members_by_hand():
    outputs = RepeatMembers(2)(np.array([[1, 2], [3, 4]], "float32"))
    wanted = [[[1, 2], [1, 2]], [[3, 4], [3, 4]]]
    assert keras.ops.convert_to_numpy(outputs).tolist() == wanted


def test_concatenated_behind_it_every_member_has_the_channels_in_order():
    outputs = ConcatenateMembers()(
        RepeatMembers(3)(np.array([[[1, 2]]], "float32"))
    )
    wanted = [[[1, 2, 1, 2, 1, 2]]]
    assert keras.ops.convert_to_numpy(outputs).tolist() == wanted


@pytest.mark.parametrize("members", [0, -1])
def test_no_member_is_an_error(members):
    with pytest.raises(InputError) as caught:
        RepeatMembers(members)
    assert str(caught.value) == (
        "Expected ensemble_size of at least 1. Received: "
        f"ensemble_size={members}. Use 1 for a single network."
    )
