import keras
import numpy as np
import pytest
from keras import ops

from mimo_keras.training.finite_rows import of_finite_rows
from tests.training import networks

OUTPUTS = {"a": np.arange(4.0, dtype="float32"), "b": np.ones((4, 2, 3), "f")}


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_rows_with_nan_or_infinity_become_nan(dtype):
    images = np.zeros((4, 2, 2, 1), dtype)
    images[1, 0, 1], images[3, 1, 0] = np.nan, -np.inf
    images[2, 1, 1] = np.finfo("float16").max
    found = of_finite_rows(OUTPUTS, images)
    for name, value in OUTPUTS.items():
        wanted = np.copy(value)
        wanted[[1, 3]] = np.nan
        np.testing.assert_array_equal(found[name], wanted)


def test_bytes_pass():
    assert of_finite_rows(OUTPUTS, np.zeros((4, 2), "uint8")) is OUTPUTS


def swallowing(x):
    """A backbone whose kernels turn NaN into numbers."""
    x = keras.layers.Conv2D(4, 2, activation="relu")(x)
    return keras.layers.GlobalMaxPooling2D()(x)


@pytest.mark.tensorflow
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_traced_model_and_its_predictor_answer_nan(bad):
    import tensorflow as tf

    model = networks.create("naive_multihead", backbone=swallowing)
    predictor = model.predictor()
    images = np.full((3, *networks.IMAGE), 0.5, "float32")
    images[1, 0, 0, 0] = bad
    traced = tf.function(lambda x: (model(x), predictor(x)))
    logits, predicted = traced(tf.constant(images))
    for value in (logits, *predicted.values()):
        rows = np.isnan(np.reshape(ops.convert_to_numpy(value), (3, -1)))
        np.testing.assert_array_equal(rows.all(1), [False, True, False])
        assert not rows[[0, 2]].any()
