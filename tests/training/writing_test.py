"""model.save and model.export write what can be read, or say so."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError
from tests.training import networks


@pytest.fixture(scope="module")
def both():
    model = networks.create(mean=0.5, std=0.25)
    return {"model": model, "predictor": model.predictor()}


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["model", "predictor"])
def test_keras_s_export_serves_what_ours_does(tmp_path, both, name):
    import tensorflow as tf

    both[name].export(tmp_path / "keras", verbose=False)
    mimo_keras.export_saved_model(both[name], tmp_path / "ours")
    images = (networks.examples(5).images / 255).astype("float32")
    kept = [tf.saved_model.load(tmp_path / n) for n in ("keras", "ours")]
    found, wanted = (one.serve(images) for one in kept)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["model", "predictor"])
@pytest.mark.parametrize("ending", [".h5", ".hdf5", ""])
def test_other_formats_of_keras_are_refused(tmp_path, both, name, ending):
    path = tmp_path / f"model{ending}"
    with pytest.raises(InputError) as caught:
        both[name].save(path)
    assert str(caught.value) == (
        f"Expected a path that ends in .keras. Received: filepath={str(path)!r}"
        ". Other formats of Keras cannot hold this model: rename it."
    )
    assert not path.exists()


def test_a_summary_lists_each_network_once(both):
    lines = []
    both["model"].summary(print_fn=lambda text: lines.append(text))
    text = "\n".join(lines)
    count = both["model"].count_params()
    assert text.count("Functional") == 1
    assert f"Total params: {count}" in text
    model = networks.create()
    rows = [layer.count_params() for layer in model.layers]
    assert sum(rows) == model.count_params()


# Their networks have a second output, which only training uses.
@pytest.mark.parametrize(
    ("method", "backbone"),
    [("mixmo", "mlp_4"), ("mimmo", "bottleneck_resnet")],
)
def test_a_second_output_adds_no_rows_to_a_summary(method, backbone):
    model = mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=(8, 8, 1),
        num_classes=2,
        ensemble_size=2,
    )
    rows = [layer.count_params() for layer in model.layers]
    assert sum(rows) == model.count_params()


def test_a_saved_model_is_the_same_with_one_network(tmp_path, both):
    path = tmp_path / "model.keras"
    both["model"].save(path)
    loaded = keras.saving.load_model(path)
    images = networks.examples(3).images
    np.testing.assert_array_equal(loaded(images), both["model"](images))


@pytest.mark.parametrize("name", ["model", "predictor"])
def test_keras_s_save_model_refuses_what_could_not_be_loaded(
    tmp_path, both, name
):
    with pytest.raises(InputError, match=r"ends in \.keras"):
        keras.saving.save_model(both[name], tmp_path / "model.h5")
    assert both[name].get_config()


@pytest.mark.parametrize("name", ["model", "predictor"])
@pytest.mark.parametrize(
    "format", ["openvino", "torch", "h5", "ONNX", "tflite", None]
)
def test_unknown_formats_of_an_export_are_refused(tmp_path, both, name, format):
    meant = {"ONNX": "onnx", "tflite": "litert"}.get(format)
    remedy = f"Did you mean {meant!r}?" if meant else "Choose one of these."
    with pytest.raises(InputError) as caught:
        both[name].export(tmp_path / "file", format=format)
    assert str(caught.value) == (
        "Expected format among tf_saved_model, litert, onnx. Received: "
        f"format={format!r}. {remedy}"
    )


@pytest.mark.parametrize("name", ["model", "predictor"])
@pytest.mark.parametrize("path", [None, 3, ["a"]])
def test_what_is_no_path_is_refused(both, name, path):
    for function in ("save", "export", "load_weights"):
        with pytest.raises(InputError, match="Expected a path. Received: file"):
            getattr(both[name], function)(path)
