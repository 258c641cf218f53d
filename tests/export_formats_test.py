"""Other formats, replacing a file, and models that cannot be exported."""

import warnings

import keras
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras.errors import InputError
from tests.training import exports, networks


def test_litert(tmp_path):
    path = tmp_path / "model.tflite"
    mimo_keras.export_saved_model(exports.model(), path, format="litert")
    for size in exports.SIZES:
        batch = exports.FLOATS[:size]
        with warnings.catch_warnings():
            # TensorFlow warns that its interpreter will move elsewhere.
            warnings.simplefilter("ignore")
            interpreter = tf.lite.Interpreter(str(path))
        [image] = interpreter.get_input_details()
        interpreter.resize_tensor_input(image["index"], batch.shape)
        runner = interpreter.get_signature_runner()
        [name] = runner.get_input_details()
        exports.assert_predictions(runner(**{name: batch}), size)


def test_onnx(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    mimo_keras.export_saved_model(exports.model(), path, format="onnx")
    session = runtime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    [image] = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    for size in exports.SIZES:
        values = session.run(None, {image.name: exports.FLOATS[:size]})
        found = dict(zip(names, values, strict=True))
        exports.assert_predictions(found, size)


def test_a_missing_package_names_the_pip_line(tmp_path, monkeypatch):
    def export(*args, **kwargs):
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr(mimo_keras.Predictor, "export", export)
    with pytest.raises(InputError) as caught:
        mimo_keras.export_saved_model(
            exports.model(), tmp_path / "a.onnx", "onnx"
        )
    assert str(caught.value) == (
        "Expected the packages that onnx export needs. Received: No module "
        "named 'onnx'. Run: pip install 'mimo_keras[onnx]'."
    )


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_export_is_replaced_whole(tmp_path):
    path = tmp_path / "a"
    mimo_keras.export_saved_model(networks.create(members=2), path)
    (path / "assets" / "old.txt").write_text("of the export before")
    mimo_keras.export_saved_model(exports.model(), path)
    assert not any("old.txt" in name for name in _files(path))
    loaded = tf.saved_model.load(str(path))
    exports.assert_predictions(
        loaded.serve(exports.IMAGES), len(exports.IMAGES)
    )
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_an_export_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "a"
    mimo_keras.export_saved_model(exports.model(), path)
    before = _files(tmp_path)

    def save(module, path, signatures):
        tf.io.gfile.makedirs(path)
        tf.io.gfile.GFile(f"{path}/saved_model.pb", "w").write("half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", save)
    with pytest.raises(OSError, match="No space left"):
        mimo_keras.export_saved_model(networks.create(), path)
    assert _files(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a", "h5"),
            "Expected a format among tf_saved_model, litert, onnx. Received: "
            "format='h5'. Choose one of these.",
        ),
        (
            ("a.lite", "litert"),
            "Expected a path that ends in .tflite for format litert. "
            "Received: path='a.lite'. Rename it.",
        ),
    ],
)
def test_bad_arguments(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        mimo_keras.export_saved_model(exports.model(), *arguments)
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_a_plain_keras_model_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        mimo_keras.export_saved_model(keras.Sequential(), tmp_path / "a")
    assert str(caught.value) == (
        "Expected an EnsembleModel or its predictor. Received: model of type "
        "Sequential. Use model.export for a plain Keras model."
    )
