"""SplitInputs takes rows apart into named inputs."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import SplitInputs

RNG = np.random.default_rng(0)
PARTS = {
    "zoom": RNG.normal(size=(4, 2)).astype("float32"),
    "image": RNG.normal(size=(4, 3, 3, 2)).astype("float32"),
    "ids": RNG.integers(0, 2**24, (4, 5)),
}
SHAPES = {name: part.shape[1:] for name, part in PARTS.items()}
ROWS = np.concatenate(
    [PARTS[name].reshape(4, -1) for name in ("ids", "image", "zoom")],
    axis=1,
).astype("float32")


@pytest.mark.parametrize("members", [0, 2])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_inputs_stand_in_the_order_of_their_names(members, policy):
    layer = SplitInputs(SHAPES, {"ids": "int32"}, dtype=policy)
    rows = ROWS.reshape(2, 2, -1) if members else ROWS
    found = layer(rows)
    assert {*found} == {*PARTS}
    for name, part in PARTS.items():
        value = keras.ops.convert_to_numpy(found[name])
        assert value.shape[1 if not members else 2 :] == part.shape[1:]
        np.testing.assert_array_equal(value.reshape(part.shape), part)
    assert "int32" in str(found["ids"].dtype)


@pytest.mark.parametrize(
    "shapes", [{}, {"a": ()}, {"a": (None, 2)}, {"a b": (2,)}, {1: (2,)}]
)
def test_names_and_sizes_are_checked(shapes):
    with pytest.raises(InputError, match="input"):
        SplitInputs(shapes)


def test_other_rows_and_dtypes_of_no_input_are_refused():
    with pytest.raises(InputError, match=r"rows of shape \(N, 2\)"):
        SplitInputs({"a": (2,)})(np.zeros((3, 4)))
    with pytest.raises(InputError, match="Name them alike"):
        SplitInputs({"a": (2,)}, {"b": "int32"})
