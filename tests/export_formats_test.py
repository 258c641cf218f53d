"""Other formats, replacing a file, and models that cannot be exported."""

import pathlib
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras import export
from mimo_keras.errors import InputError
from mimo_keras.files import replacing
from mimo_keras.paths import files_below
from mimo_keras.training import policies
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
    assert mimo_keras.fitted_on(path) == []


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


def test_mixed_precision_becomes_float32(tmp_path):
    """What runtimes without operations in 16 bits can run."""
    keras.config.set_dtype_policy("mixed_bfloat16")

    def backbone(x):
        scale = keras.layers.Normalization(mean=0.5, variance=2.0)
        return exports.convolution(scale(x))

    predictor = networks.create(backbone=backbone).predictor()
    path = tmp_path / "model.tflite"
    mimo_keras.export_saved_model(predictor, path, format="litert")
    plain = policies.in_float32(predictor)
    wanted = predictor(exports.FLOATS)["probabilities"]
    found = plain(exports.FLOATS)["probabilities"]
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    assert np.abs(found - wanted).max() > 1e-6  # Rounding to 16 bits.
    assert policies.in_float32(plain) is plain


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
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match="onnx.* with KERAS_BACKEND=tensor"):
        mimo_keras.fitted_on(tmp_path / "a.onnx")


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_export_is_replaced_whole(tmp_path):
    path = tmp_path / "a"
    mimo_keras.export_saved_model(networks.create(members=2), path)
    mimo_keras.export_saved_model(exports.model(), path)
    loaded = tf.saved_model.load(str(path))
    exports.assert_predictions(
        loaded.serve(exports.IMAGES), len(exports.IMAGES)
    )
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def _foreign(path, kind):
    """Puts something at a path that is no export of ours."""
    if kind == "serving":
        mimo_keras.export_saved_model(networks.create(members=2), path / "1")
        (path / "labels.csv").write_text("mine")
    elif kind == "ours and more":
        mimo_keras.export_saved_model(networks.create(members=2), path)
        (path / "assets" / "labels.csv").write_text("mine")
    elif kind == "model":
        module = tf.Module()
        module.probabilities = tf.Variable(1.0)
        tf.saved_model.save(module, str(path))
    elif kind == "part":
        (path / "variables").mkdir(parents=True)
        (path / "variables" / "variables.index").write_text("mine")
    else:
        path.write_text(kind)


KINDS = ("serving", "ours and more", "model", "part", "id,member_a\n1,2\n", "")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_export_of_ours_is_never_replaced(tmp_path, kind):
    names = {"tf_saved_model": "a", "litert": "a.tflite", "onnx": "a.onnx"}
    for format, name in names.items():
        path = tmp_path / name
        _foreign(path, kind)
        before = _files(tmp_path)
        with pytest.raises(InputError) as caught:
            mimo_keras.export_saved_model(exports.model(), path, format)
        message = str(caught.value)
        assert message.startswith("Expected a free path, or an earlier export")
        assert f"path={path}, which holds" in message
        assert _files(tmp_path) == before


def test_an_export_of_another_format_is_replaced(tmp_path):
    path = tmp_path / "a.tflite"
    mimo_keras.export_saved_model(networks.create(), path)
    for _ in range(2):
        mimo_keras.export_saved_model(networks.create(), path, "litert")
        assert path.is_file()
    mimo_keras.export_saved_model(networks.create(), path)
    assert (path / "saved_model.pb").exists()


def test_an_export_on_another_file_system(ram, tmp_path, monkeypatch):
    """As on gs://; also after a kill has left a part of one there."""
    monkeypatch.chdir(tmp_path)
    path = f"{ram}/a"
    assert mimo_keras.export_saved_model(networks.create(), path) == path
    (ram / "a" / "variables" / "variables.index").unlink()
    mimo_keras.export_saved_model(exports.model(), path)
    loaded = tf.saved_model.load(path)
    exports.assert_predictions(
        loaded.serve(exports.IMAGES), len(exports.IMAGES)
    )
    (ram / "a" / "variables" / "a").mkdir()
    with replacing(ram / "a" / "labels.csv") as file:
        file.write("mine")
    before = files_below(ram)
    with pytest.raises(InputError, match="which holds fingerprint.pb, labels"):
        mimo_keras.export_saved_model(exports.model(), path)
    assert files_below(ram) == before
    mimo_keras.export_saved_model(exports.model(), f"{ram}/b.tflite", "litert")
    assert (ram / "b.tflite").read_bytes()[4:8] == b"TFL3"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", export.FORMATS)
def test_an_unknown_file_system_is_refused(tmp_path, monkeypatch, format):
    monkeypatch.chdir(tmp_path)
    for path in ("s3://a/b.tflite", pathlib.Path("s3://a/b.tflite")):
        with pytest.raises(InputError, match="TensorFlow has here"):
            mimo_keras.export_saved_model(networks.create(), path, format)
    assert not list(tmp_path.iterdir())


def test_a_saved_ensemble_is_recognized(tmp_path):
    networks.create().save(tmp_path / "ours.keras")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.save(tmp_path / "other.keras")
    (tmp_path / "no.keras").write_text("mimo_keras")
    for name in ("ours", "other", "no"):
        found = export.is_saved_ensemble(tmp_path / f"{name}.keras")
        assert found is (name == "ours")


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
            "Expected format among tf_saved_model, litert, onnx. Received: "
            "format='h5'. Choose one of these.",
        ),
        (
            ("a", "tflite"),
            "Expected format among tf_saved_model, litert, onnx. Received: "
            "format='tflite'. Did you mean 'litert'?",
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


def test_a_file_that_is_missing_is_not_blamed_on_its_ending(tmp_path):
    with pytest.raises(InputError, match="nope': no such file"):
        mimo_keras.fitted_on(tmp_path / "nope")
