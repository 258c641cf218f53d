"""Keras's private names of saving still mean what is relied on."""

import keras
import numpy as np

from mimo_keras import keras_internals as internals


def test_the_size_of_a_network_is_known_before_it_is_created(network):
    config = keras.saving.serialize_keras_object(network)
    # Two kernels and two biases, of 2x2 + 2 and 2x3 + 3 float32 each.
    assert internals.claimed_bytes(config) == 4 * (6 + 9)
    (deep,) = (
        layer
        for layer in config["config"]["layers"]
        if layer["class_name"] == "Sequential"
    )
    deep["config"]["layers"][1]["config"]["units"] = 10**13
    assert internals.claimed_bytes(config) == 4 * (6 + 3 * 10**13)
    wrong = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"units": -1},
    }
    assert internals.claimed_bytes(wrong) is None
    # Nothing waits for its values afterwards.
    with keras.StatelessScope():
        pass
    assert keras.layers.Dense(2)(np.ones((1, 2))).shape == (1, 2)


def test_an_old_file_is_noticed_while_it_is_written(tmp_path):
    seen = []

    class Noting(keras.layers.Dense):
        def get_config(self):
            seen.append(internals.writes_old_file())
            return super().get_config()

    model = keras.Sequential([keras.Input((2,)), Noting(1)])
    keras.saving.save_model(model, tmp_path / "model.h5")
    keras.saving.save_model(model, tmp_path / "model.keras")
    assert seen[0] and not seen[-1]
