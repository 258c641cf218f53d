"""The bank returns its parameters, whatever it is called on."""

import keras
import numpy as np
import pytest

from mimo_keras import layers


def test_it_returns_its_numbers_in_float32_under_any_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    bank = layers.TemplateBank(10_000, stddev=0.3)
    outputs = bank(np.ones((2, 3)))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    found = keras.ops.convert_to_numpy(outputs)
    np.testing.assert_array_equal(found, bank.get_weights()[0].ravel())
    assert found.std() == pytest.approx(0.3, rel=0.05)
    assert bank(keras.KerasTensor((None, 3))).shape == (10_000,)


def test_config_round_trip():
    bank = layers.TemplateBank(12, stddev=0.3, name="bank")
    twin = layers.TemplateBank.from_config(bank.get_config())
    assert twin.get_config() == bank.get_config()
    assert (twin.num_params, twin.stddev) == (12, 0.3)
