"""Seeds of layers that draw random numbers, and what they draw."""

import keras
import numpy as np
import pytest
from scipy import stats

from mimo_keras.layers.drawing import DrawingLayer, gamma


def drawn(layer):
    return float(keras.random.uniform((), seed=layer.seed_generator))


def copy(layer):
    return type(layer).from_config(layer.get_config())


@pytest.mark.parametrize("seed", [None, 7])
def test_a_copy_draws_the_same_numbers(seed):
    layer = DrawingLayer(seed)
    twin = copy(layer)
    assert [drawn(layer) for _ in range(3)] == [drawn(twin) for _ in range(3)]


def test_without_a_seed_layers_draw_different_numbers():
    assert drawn(DrawingLayer()) != drawn(DrawingLayer())


def test_a_given_generator_is_used_and_saved():
    generator = keras.random.SeedGenerator(3)
    layer = DrawingLayer(generator)
    assert layer.seed_generator is generator
    twin = copy(layer)
    assert twin.seed_generator is not generator
    assert drawn(twin) == drawn(DrawingLayer(keras.random.SeedGenerator(3)))


@pytest.mark.parametrize("concentration", [0.3, 1.0, 2.0, 50.0])
def test_gamma_is_scipys(concentration):
    seed = keras.random.SeedGenerator(0)
    found = keras.ops.convert_to_numpy(gamma((4000, 2), concentration, seed))
    wanted = stats.gamma(concentration)
    assert stats.kstest(found.ravel(), wanted.cdf).pvalue > 0.01
    np.testing.assert_allclose(found.mean(), concentration, rtol=0.05)
    np.testing.assert_allclose(found.var(), concentration, rtol=0.1)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.05
    assert np.any(
        found != keras.ops.convert_to_numpy(gamma((4000, 2), 2, seed))
    )


def test_a_huge_concentration_leaves_no_spread():
    seed = keras.random.SeedGenerator(0)
    found = keras.ops.convert_to_numpy(gamma((100,), 1e12, seed))
    np.testing.assert_allclose(found / 1e12, 1, rtol=1e-4)
