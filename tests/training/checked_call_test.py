"""Images are checked when a model is called with known values."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from tests.training import networks

IMAGES = networks.examples(4).images
FLOATS = IMAGES.astype("float32")
FAR = f"values up to {IMAGES.max()}, mean=0.0, std=1.0"


@pytest.fixture(scope="module")
def both():
    model = networks.create()
    return {"model": model, "predictor": model.predictor()}


@pytest.fixture(params=["model", "predictor"])
def model(both, request):
    return both[request.param]


def _predicted(outputs):
    if isinstance(outputs, dict):
        outputs = outputs["probabilities"]
    return keras.ops.convert_to_numpy(outputs)


CALLS = {
    "call": lambda model, x: model(x),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
}


@pytest.mark.parametrize("way", [*CALLS])
@pytest.mark.parametrize(
    ("images", "received"),
    [
        (FLOATS, FAR),
        (FLOATS.tolist(), FAR),
        (IMAGES.tolist(), "dtype=int64"),
        (IMAGES[0], "shape=(2, 3, 2)"),
        (IMAGES[..., 0], "shape=(4, 2, 3)"),
        (IMAGES[:0], "shape=(0, 2, 3, 2)"),
        (["cat", "dog"], "ndarray of dtype <U3"),
        ([IMAGES[0], IMAGES[0, 0]], "ndarray of dtype object"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(model, way, images, received):
    with pytest.raises(InputError) as caught:
        CALLS[way](model, images)
    assert f"Received: {received}. " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", [*CALLS])
def test_lists_are_arrays(model, way):
    wanted = _predicted(CALLS[way](model, FLOATS / 255))
    for given in ((FLOATS / 255).tolist(), [*(FLOATS / 255)], [IMAGES]):
        found = _predicted(CALLS[way](model, given))
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.tensorflow
def test_in_a_graph_values_are_unknown(model):
    """The limit that the predictor's docstring states."""
    import tensorflow as tf

    outputs = tf.function(lambda x: model(x))(tf.constant(FLOATS))
    assert np.isfinite(_predicted(outputs)).all()
