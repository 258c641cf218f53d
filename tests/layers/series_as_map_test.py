"""SeriesAsMap adds an axis after time."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import SeriesAsMap


def test_values_stay_where_they_are():
    series = np.arange(24.0, dtype="float32").reshape(2, 4, 3)
    found = keras.ops.convert_to_numpy(SeriesAsMap()(series))
    np.testing.assert_array_equal(found, series[:, :, None])
    symbolic = SeriesAsMap()(keras.Input((None, 3)))
    assert symbolic.shape == (None, None, 1, 3)


def test_anything_else_is_refused():
    with pytest.raises(InputError, match=r"\(N, T, C\).*shape=\(2, 4\)"):
        SeriesAsMap()(np.zeros((2, 4), "float32"))
