"""The epoch as known to layers."""

import keras
import numpy as np

from mimo_keras.layers import UnmixMembers
from mimo_keras.layers.epochs import EpochLayer


def known(layer):
    return [float(np.array(w)) for w in (layer.epoch, layer.epochs)]


def test_it_starts_at_zero_of_an_unknown_number():
    assert known(EpochLayer()) == [0, 0]


def test_it_is_a_weight_that_no_optimizer_moves(tmp_path):
    layer = EpochLayer()
    layer.begin_epoch(3, 10)
    assert known(layer) == [3, 10]
    assert layer.trainable_weights == []
    inputs = keras.Input((2, 2, 2))
    unmix = UnmixMembers(fadeout_epochs=4)
    model = keras.Model(inputs, unmix(inputs, inputs))
    unmix.begin_epoch(1, 8)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert known(loaded.layers[-1]) == [1, 8]


def test_counters_stay_exact_in_low_precision():
    layer = EpochLayer(dtype="mixed_bfloat16")
    layer.begin_epoch(299, 301)
    assert known(layer) == [299, 301]
    assert keras.ops.convert_to_tensor(layer.epoch).dtype == "float32"
