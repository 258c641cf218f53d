"""Loss weights against NumPy."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.errors import InputError
from mimo_keras.layers import MixingLossWeights


def weights(ratios, **options):
    ratios = np.array(ratios, "float32")
    return keras.ops.convert_to_numpy(MixingLossWeights(**options)(ratios))


@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.floats(0.01, 1), min_size=2, max_size=5),
    root=st.floats(1, 8),
)
def test_the_equation(parts, root):
    ratios = np.array([parts]) / np.sum(parts)
    wanted = ratios ** (1 / root)
    wanted = len(parts) * wanted / wanted.sum()
    np.testing.assert_allclose(weights(ratios, root=root), wanted, rtol=1e-4)


def test_by_hand():
    """Cube roots of 1/9 and 8/9 are as 1 to 2."""
    found = weights([[1 / 9, 8 / 9]], root=3)
    np.testing.assert_allclose(found, [[2 / 3, 4 / 3]], rtol=1e-5)


def test_at_root_1_they_are_the_ratios():
    np.testing.assert_allclose(
        weights([[0.2, 0.3, 0.5]], root=1), [[0.6, 0.9, 1.5]], rtol=1e-6
    )


def test_who_has_no_part_has_no_loss():
    np.testing.assert_array_equal(weights([[0.0, 1.0]]), [[0.0, 2.0]])


def test_a_root_below_1_is_an_error():
    with pytest.raises(InputError, match="root=0.5"):
        MixingLossWeights(0.5)
