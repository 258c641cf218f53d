"""Random numbers that do not depend on XLA."""

import keras
import numpy as np
import pytest
from scipy import stats

from mimo_keras.layers import draws


def arrays(draw, *shapes):
    """Draws one after another from one generator."""
    seed = keras.random.SeedGenerator(7)
    return [keras.ops.convert_to_numpy(draw(shape, seed)) for shape in shapes]


def test_they_have_their_distributions():
    (uniform,) = arrays(draws.uniform, (50, 101))
    assert uniform.min() >= 0 and uniform.max() < 1
    assert stats.kstest(uniform.ravel(), "uniform").pvalue > 0.01
    (normal,) = arrays(draws.normal, (50, 101))
    assert stats.kstest(normal.ravel(), "norm").pvalue > 0.01
    lagged = np.corrcoef(normal.ravel()[:-1], normal.ravel()[1:])[0, 1]
    assert abs(lagged) < 0.05


@pytest.mark.parametrize("draw", [draws.uniform, draws.normal])
def test_each_draw_is_another_one(draw):
    first, second = arrays(draw, (9,), (9,))
    assert not np.allclose(first, second)
    assert draw((), 1).shape == ()
    assert draw((3, 0), 1).shape == (3, 0)


@pytest.mark.tensorflow
@pytest.mark.parametrize("shape", [(3, 7), (1,), (4, 8)])
def test_they_are_those_of_keras_with_and_without_xla(shape):
    import tensorflow as tf

    for name, atol in (("uniform", 0.0), ("normal", 2e-6)):
        draw = getattr(draws, name)
        seed = keras.random.SeedGenerator(7)
        wanted = getattr(keras.random, name)(shape, seed=seed)
        (found,) = arrays(draw, shape)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)
        seed = keras.random.SeedGenerator(7)
        compiled = tf.function(
            lambda draw=draw, seed=seed: draw(shape, seed), jit_compile=True
        )
        np.testing.assert_allclose(compiled(), wanted, rtol=0, atol=atol)
