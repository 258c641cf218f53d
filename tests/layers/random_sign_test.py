import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import RandomSign


def drawn(initializer, shape=(200, 100)):
    return keras.ops.convert_to_numpy(initializer(shape))


@pytest.mark.parametrize("probability", [0.0, 0.5, 0.8, 1.0])
def test_signs_are_plus_one_with_their_probability(probability):
    signs = drawn(RandomSign(probability))
    assert set(np.unique(signs)) <= {-1.0, 1.0}
    assert np.mean(signs == 1) == pytest.approx(probability, abs=0.02)


def test_each_instance_draws_numbers_of_its_own_and_saves_them():
    one, other = RandomSign(), RandomSign()
    assert np.any(drawn(one) != drawn(other))
    config = keras.saving.serialize_keras_object(one)
    twin = keras.saving.deserialize_keras_object(config)
    if one.get_config()["seed"] is not None:
        np.testing.assert_array_equal(drawn(twin), drawn(one))
    assert twin.get_config() == one.get_config()
    np.testing.assert_array_equal(
        drawn(RandomSign(seed=3)), drawn(RandomSign(seed=3))
    )


def test_they_have_the_dtype_that_is_asked_for():
    signs = RandomSign()((2, 3), dtype="float16")
    assert keras.backend.standardize_dtype(signs.dtype) == "float16"


def test_a_probability_above_one_is_refused():
    with pytest.raises(InputError, match="probability=1.5"):
        RandomSign(1.5)
