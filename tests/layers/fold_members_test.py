import keras
import numpy as np
import pytest

from mimo_keras.layers import FoldMembers

RNG = np.random.default_rng(0)


def twin(inputs, ensemble_size):
    """y[m B + b] = x[b]."""
    batch = len(inputs)
    return np.stack(
        [inputs[row % batch] for row in range(ensemble_size * batch)]
    )


@pytest.mark.parametrize("shape", [(2,), (3, 5), (2, 4, 3, 1)])
@pytest.mark.parametrize("members", [1, 3])
def test_rows_of_a_member_stand_together(shape, members):
    inputs = RNG.normal(size=shape).astype("float32")
    folded = FoldMembers(members)(inputs)
    np.testing.assert_array_equal(folded, twin(inputs, members))


@pytest.mark.parametrize(("batch", "rows"), [(None, None), (2, 6)])
def test_shape_is_known_before_the_call(batch, rows):
    folded = FoldMembers(3)(keras.Input((5, 4), batch_size=batch))
    assert folded.shape == (rows, 5, 4)


def test_integers_stay_integers():
    labels = np.array([4, 7], "int32")
    folded = FoldMembers(2, dtype="int32")(labels)
    np.testing.assert_array_equal(folded, [4, 7, 4, 7])
    assert keras.backend.standardize_dtype(folded.dtype) == "int32"
