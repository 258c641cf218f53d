"""Runs an export of any format, as its users do."""

import warnings

import pytest
import tensorflow as tf

NAMES = {"litert": "m.tflite", "onnx": "m.onnx", "tf_saved_model": "saved"}
"""Format -> a name of its file or folder."""


def runs(path, format):
    """Yields functions that run an export, from images to outputs."""
    if format == "tf_saved_model":
        loaded = tf.saved_model.load(path)
        for serve in (loaded.serve, loaded.signatures["serving_default"]):
            yield lambda images, serve=serve: {
                k: v.numpy()
                for k, v in serve(images=tf.constant(images)).items()
            }
    elif format == "onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path)
        [image] = session.get_inputs()
        names = [output.name for output in session.get_outputs()]
        yield lambda images: dict(
            zip(names, session.run(None, {image.name: images}), strict=True)
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


def _lite(interpreter, images):
    [image] = interpreter.get_input_details()
    interpreter.resize_tensor_input(image["index"], images.shape)
    runner = interpreter.get_signature_runner()
    [name] = runner.get_input_details()
    return runner(**{name: images})
