"""Seeds of layers that draw random numbers."""

import keras
import pytest

from mimo_keras.layers.drawing import DrawingLayer


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
