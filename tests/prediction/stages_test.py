"""Every stage is one layer: saved, and of float32 in any policy."""

import keras
import numpy as np
import pytest

from mimo_keras import prediction

STAGES = {
    "Abstention": {"confidence": 0.5},
    "InterpolatedQuantiles": {"levels": 0.3, "known": [0.1, 0.5]},
    "Intervals": {"quantiles": [1.0], "floor": 0.1},
    "Isotonic": {"inputs": [[0.0, 1.0]] * 2, "values": [[0.1, 0.9]] * 2},
    "LogitDetector": {"score": "energy", "log_weights": [0.0]},
    "MahalanobisDetector": {
        "sizes": {"center": [1, 2], "whiten": [1, 2, 2], "means": [1, 3, 2]},
        "log_weights": [0.0],
    },
    "MemberTemperatures": {"temperatures": [2.0], "log_weights": [0.0]},
    "MixtureQuantiles": {"levels": [0.1, 0.9], "log_weights": [0.0]},
    "NeighborDetector": {
        "sizes": {"bank": [1, 3, 2]},
        "log_weights": [0.0],
        "neighbors": 2,
    },
    "PredictionSets": {"quantiles": [0.9], "score": "aps"},
    "QuantileIntervals": {"margins": [0.5]},
    "Temperature": {"temperature": 2.0, "log_weights": [0.0]},
    "VectorScaling": {
        "scales": [1.0, 2.0],
        "shifts": [0.0, 1.0],
        "log_weights": [0.0],
    },
    "VirtualLogitDetector": {
        "sizes": {"origin": [1, 2], "residual": [1, 2, 1], "factor": [1]},
        "log_weights": [0.0],
    },
}
FEATURES = np.array([[[3.0, 4.0]]], "float32")
LOGITS = np.array([[[2.0, -1.0]]], "float32")


def test_all_stages_are_here():
    assert {*STAGES, "Stage"} == {*prediction.__all__}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_comes_back_from_its_config(name):
    about = {"examples": 300, "sha256": "0123"}
    keras.config.set_dtype_policy("mixed_bfloat16")
    stage = getattr(prediction, name)(**STAGES[name], fitted_on=about)
    assert stage.compute_dtype == "float32"
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(stage)
    )
    assert again.get_config() == stage.get_config()
    assert again.fitted_on == about
    outputs = {
        "probabilities": np.array([[0.9, 0.1]], "float32"),
        "mean": np.array([[0.5]], "float32"),
        "member_variance": np.array([[0.04]], "float32"),
        "quantiles": np.array([[[0.5], [2.5]]], "float32"),
        "member_means": np.array([[[0.5]]], "float32"),
        "member_stds": np.array([[[0.2]]], "float32"),
    }
    seen = (LOGITS, FEATURES)[: 1 + stage.reads_features]
    one, other = (found(outputs, *seen) for found in (stage, again))
    assert {*one} > {*outputs} or stage.calibrates
    for key, value in one.items():
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, (value, other[key]))
        )
