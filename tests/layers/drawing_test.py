"""Seeds of layers that draw random numbers, and what they draw."""

import keras
import numpy as np
import pytest
from scipy import stats

from mimo_keras.layers.drawing import DrawingLayer, log_gamma


def gamma(shape, concentration):
    """Draws from the gamma distribution, with one seed."""
    logs = log_gamma(shape, concentration, keras.random.SeedGenerator(0))
    return np.exp(keras.ops.convert_to_numpy(logs))


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
    found = gamma((4000, 2), concentration)
    wanted = stats.gamma(concentration)
    assert stats.kstest(found.ravel(), wanted.cdf).pvalue > 0.01
    np.testing.assert_allclose(found.mean(), concentration, rtol=0.05)
    np.testing.assert_allclose(found.var(), concentration, rtol=0.1)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.05


def test_each_draw_is_another_one():
    seed = keras.random.SeedGenerator(0)
    first, second = (np.array(log_gamma((9,), 2, seed)) for _ in range(2))
    assert not np.allclose(first, second)


def test_a_huge_concentration_leaves_no_spread():
    found = gamma((100,), 1e12)
    np.testing.assert_allclose(found / 1e12, 1, rtol=1e-4)
