"""ConcatenateMembers is member-major, whatever axes are in between."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import ConcatenateMembers


def concatenate_members(inputs):
    """The layer in NumPy: channel m * C + c is channel c of member m."""
    rows, members, *space, channels = inputs.shape
    outputs = np.empty((rows, *space, members * channels), inputs.dtype)
    for member in range(members):
        for channel in range(channels):
            outputs[..., member * channels + channel] = inputs[
                :, member, ..., channel
            ]
    return outputs


@pytest.mark.parametrize(
    "shape", [(2, 3, 4), (2, 3, 5, 4), (2, 3, 5, 6, 4), (2, 1, 5, 6, 4)]
)
def test_equals_numpy(shape):
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    outputs = keras.ops.convert_to_numpy(ConcatenateMembers()(inputs))
    np.testing.assert_array_equal(outputs, concatenate_members(inputs))


def test_all_channels_of_member_0_come_first():
    member_0 = [[[1, 2]], [[3, 4]]]
    member_1 = [[[5, 6]], [[7, 8]]]
    outputs = ConcatenateMembers()(np.array([[member_0, member_1]], "float32"))
    wanted = [[[[1, 2, 5, 6]], [[3, 4, 7, 8]]]]
    assert keras.ops.convert_to_numpy(outputs).tolist() == wanted


@pytest.mark.parametrize(
    "inputs",
    [np.zeros((2, 3), "float32"), keras.KerasTensor((None, 3))],
    ids=["eager", "symbolic"],
)
def test_without_an_axis_of_members_is_an_error(inputs):
    with pytest.raises(InputError) as caught:
        ConcatenateMembers()(inputs)
    assert str(caught.value) == (
        "Expected inputs of shape (N, M, ..., C). Received: "
        f"shape={tuple(inputs.shape)}. Pass one input per member in every "
        "row."
    )
