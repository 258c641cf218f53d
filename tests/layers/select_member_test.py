"""SelectMember selects one member's input."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import SelectMember


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3, 2, 2, 1)])
@pytest.mark.parametrize("member", [0, 2])
def test_it_is_a_slice_of_the_members_axis(shape, member):
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    outputs = keras.ops.convert_to_numpy(SelectMember(member)(inputs))
    np.testing.assert_array_equal(outputs, inputs[:, member])
    symbolic = SelectMember(member)(keras.Input(shape[1:]))
    assert symbolic.shape == (None, *shape[2:])


@pytest.mark.parametrize("member", [-1, 3])
@pytest.mark.parametrize(
    "inputs",
    [np.zeros((2, 3, 5), "float32"), keras.KerasTensor((None, 3, 5))],
    ids=["eager", "symbolic"],
)
def test_the_member_must_exist(member, inputs):
    message = f"Expected a member in 0 … 2. Received: member={member}. "
    with pytest.raises(InputError, match=message):
        SelectMember(member)(inputs)
