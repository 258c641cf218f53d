"""Images are checked when a model is called with known values."""

import keras
import numpy as np
import pytest
import scipy.sparse

from mimo_keras.errors import InputError
from tests.training import networks

IMAGES = networks.examples(4).images
FLOATS = IMAGES.astype("float32")
FAR = f"values up to {IMAGES.max()}"


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
        (["cat", "dog"], "list of dtype <U3"),
        ([IMAGES[0], IMAGES[0, 0]], "list of dtype object"),
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


class _Foreign:
    """An array of another library, such as a tensor or a table."""

    def __init__(self, values, error=None):
        self.values, self.error = values, error
        self.shape, self.dtype = values.shape, f"torch.{values.dtype}"

    def __array__(self, dtype=None, copy=None):
        if self.error is not None:
            raise self.error
        return self.values.astype(dtype or self.values.dtype)

    def __len__(self):
        return len(self.values)


@pytest.mark.parametrize("way", [*CALLS])
def test_arrays_of_other_libraries_are_taken(model, way):
    small = FLOATS / 255
    wanted = _predicted(model(small))
    for images in (_Foreign(small), tuple(small), tuple(small.tolist())):
        found = _predicted(CALLS[way](model, images))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("way", [*CALLS])
@pytest.mark.parametrize(
    "images",
    [
        _Foreign(FLOATS, RuntimeError("It has a\ngradient.")),
        scipy.sparse.csr_matrix(FLOATS.reshape(4, -1)),
        FLOATS.astype("complex128"),
        np.zeros((4, 2, 3, 2), "datetime64[s]"),
    ],
    ids=["gradient", "scipy", "complex", "dates"],
)
def test_what_is_no_dense_array_of_numbers(model, way, images):
    with pytest.raises(InputError) as caught:
        CALLS[way](model, images)
    assert f"Received: {type(images).__name__} of " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("nothing", [None, "images", 3.0])
def test_what_holds_no_images(model, nothing):
    for way in CALLS.values():
        with pytest.raises(InputError, match="Expected images"):
            way(model, nothing)


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", ["SparseTensor", "RaggedTensor"])
def test_tensors_that_are_not_dense(model, kind):
    import tensorflow as tf

    make = {"SparseTensor": tf.sparse.from_dense}
    make["RaggedTensor"] = tf.RaggedTensor.from_tensor
    images = make[kind](FLOATS / 255)
    for way in CALLS.values():
        with pytest.raises(InputError, match=f"{kind} of no dense array"):
            way(model, images)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_generator_yields_images_alone(model):
    small = FLOATS / 255
    found = model.predict((x for x in [small[:3], small[3:]]), verbose=0)
    np.testing.assert_allclose(
        _predicted(found), _predicted(model(small)), rtol=1e-5
    )
