"""Initial kernels of aligned encoders."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import AlignedKernels, MemberConv2D


def drawn(shape=(3, 3, 3, 4, 64), **options):
    return keras.ops.convert_to_numpy(AlignedKernels(**options)(shape))


def test_equal_kernels_are_one_he_normal_kernel():
    first, *others = drawn()
    for other in others:
        np.testing.assert_array_equal(other, first)
    np.testing.assert_allclose(first.std(), np.sqrt(2 / 36), rtol=0.05)


def test_colinear_kernels_are_multiples():
    first, *others = drawn(alignment="colinear", seed=1)
    factors = []
    for other in others:
        ratio = other / first
        np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-4)
        factors.append(ratio.flat[0])
    assert all(1 / 3 <= f <= 3 for f in factors)
    assert len({1.0, *np.round(factors, 5)}) == 3


def test_the_initializer_of_one_kernel_can_be_chosen():
    np.testing.assert_array_equal(drawn((2, 4), initializer="ones"), 1)


@pytest.mark.parametrize("alignment", ["equal", "colinear"])
def test_a_seed_repeats_the_draw(alignment):
    one = keras.initializers.HeNormal(seed=1)
    first, second = (
        drawn(alignment=alignment, initializer=one, seed=2) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_configuration_round_trip():
    start = AlignedKernels("colinear", keras.initializers.GlorotNormal(), 5)
    layer = MemberConv2D(4, 3, ensemble_size=2, kernel_initializer=start)
    twin = MemberConv2D.from_config(layer.get_config())
    config = twin.kernel_initializer.get_config()
    assert config == start.get_config()
    assert (config["alignment"], config["seed"]) == ("colinear", 5)
    assert isinstance(
        twin.kernel_initializer.initializer, keras.initializers.GlorotNormal
    )


def test_unknown_alignments_are_errors():
    with pytest.raises(InputError, match="equal, colinear"):
        AlignedKernels("same")


def test_factors_are_uniform_from_a_half_to_three_halves():
    # With kernels of ones, a kernel equals its factor.
    factors = drawn((2000, 1), alignment="colinear", initializer="ones", seed=1)
    assert 0.5 <= factors.min() < 0.51
    assert 1.49 < factors.max() <= 1.5
    # The mean's own standard deviation is 0.0065.
    assert abs(factors.mean() - 1) < 0.03
