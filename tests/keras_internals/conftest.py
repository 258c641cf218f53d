"""The network that these tests look into."""

import keras
import pytest


@pytest.fixture
def network():
    """Two inputs through three layers, one of which is called twice."""
    x = keras.Input((2,), name="x")
    twice = keras.layers.Dense(2, name="twice")
    inner = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, name="deep")], name="inner"
    )
    y = keras.layers.Add(name="add")([x, twice(twice(x))])
    return keras.Model(x, inner(y))
