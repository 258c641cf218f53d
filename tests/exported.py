"""Runs an export of any format, as its users do."""

import warnings

import pytest
import tensorflow as tf

NAMES = {"litert": "m.tflite", "onnx": "m.onnx", "tf_saved_model": "saved"}
"""Format -> a name of its file or folder."""


def runs(path, format):
    """Yields functions that run an export, from images to outputs.

    Several inputs are a dictionary by their names.
    """
    if format == "tf_saved_model":
        loaded = tf.saved_model.load(path)
        for serve in (loaded.serve, loaded.signatures["serving_default"]):
            yield lambda images, serve=serve: {
                k: v.numpy() for k, v in serve(**_tensors(images)).items()
            }
    elif format == "onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path)
        given = [each.name for each in session.get_inputs()]
        names = [output.name for output in session.get_outputs()]
        yield lambda images: dict(
            zip(names, session.run(None, _named(images, given)), strict=True)
        )
    else:
        kinds = tf.lite.experimental.OpResolverType
        for kind in (kinds.AUTO, kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                interpreter = tf.lite.Interpreter(
                    path, experimental_op_resolver_type=kind
                )
            yield lambda images, interpreter=interpreter: _lite(
                interpreter, images
            )


def _tensors(images):
    images = _named(images, ["images"])
    return {name: tf.constant(values) for name, values in images.items()}


def _named(images, names):
    return images if isinstance(images, dict) else {names[0]: images}


def _lite(interpreter, images):
    details = interpreter.get_signature_runner().get_input_details()
    places = {name: each["index"] for name, each in details.items()}
    del details
    images = _named(images, [*places])
    for name, values in images.items():
        interpreter.resize_tensor_input(places[name], values.shape)
    return interpreter.get_signature_runner()(**images)
