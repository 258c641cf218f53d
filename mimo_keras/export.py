"""Exports trained ensembles to files that serve without this library.

The predictor's `input_scale` holds in a file too, but values of another scale
are taken as they are: a graph cannot refuse them. An image with NaN or infinity
is answered NaN.

Methods that draw random numbers do so in every format. A SavedModel draws anew
in each call. LiteRT and ONNX files have no state and draw the same in each
call, differently for each row of the batch, from the predictor's seeds: see
`layers.plain_draws`.

A model of mixed precision computes in float32 in LiteRT and ONNX files, whose
runtimes have few operations in 16 bits.

What is written is run once and compared with the predictor: see `export_check`.
Where onnxruntime is missing, a warning says that an ONNX file was not.
"""

import contextlib
import re
import zipfile

import keras

from mimo_keras.errors import expected
from mimo_keras.export_check import check_export
from mimo_keras.folders import replacing_folder, unfinished
from mimo_keras.layers.plain_draws import plain_draws
from mimo_keras.paths import as_path, files_below
from mimo_keras.training import EnsembleModel, Predictor
from mimo_keras.training.policies import in_float32

FORMATS = ("tf_saved_model", "litert", "onnx")

# The files of a SavedModel, in the order in which they are copied.
_SAVED_MODEL = re.compile(
    r"fingerprint\.pb|saved_model\.pb|"
    r"variables/variables\.(data-\d{5}-of-\d{5}|index)"
)
# Part of the name of an output, in files of every format and version.
_OUTPUT = b"member_"
# How config.json in a .keras file begins.
_ENSEMBLE = b'{"module": "mimo_keras.'
# How files of the two other formats begin.
_LITERT = b"TFL3"  # After four bytes.
_ONNX = b"\x08"


def export_saved_model(model, path, format="tf_saved_model"):
    """Exports the predictor of a model, for any batch size.

    A SavedModel loads with plain `tf.saved_model.load`, in a process that
    imports neither this library nor Keras. Call it by its signatures,
    `loaded.signatures["serving_default"](images=…)` with float32 images (on the
    scale of the model's mean and std, which is [0, 1]) and "serving_uint8" with
    bytes (0 to 255); `loaded.serve` takes either, by its dtype. All return
    "probabilities" (B, K), "member_probabilities" (B, E, K), "entropy" (B,) and
    "mutual_information" (B,); in regression "mean", "member_means" and
    what else `layers.MeanMixture` or `layers.GaussianMixture` names. LiteRT and
    ONNX files take float32. The module's docstring says what else holds in a
    file.

    Args:
        model: `EnsembleModel`, whose folded predictor is exported, or a
            `Predictor`.
        path: Where to write: a folder for a SavedModel, otherwise a file;
            also on a file system of TensorFlow (`gs://bucket/model`). An
            earlier export is replaced once the new one is complete; nothing
            else is.
        format: "tf_saved_model", "litert" or "onnx" (which needs the
            packages of the extra `onnx`).

    Returns:
        The path, as a string.

    Raises:
        InputError: The format is unknown, the path has the wrong ending for
            it or holds anything but an earlier export, the model is not one
            of ours, a package is missing, or the export would not predict
            what the predictor does; nothing is then left behind.
    """
    if format not in FORMATS:
        raise expected(
            "a format among " + ", ".join(FORMATS),
            f"format={format!r}",
            "Choose one of these.",
        )
    model = _predictor(model)
    path = str(as_path(path))
    if format == "litert" and not path.endswith(".tflite"):
        raise expected(
            "a path that ends in .tflite for format litert",
            f"path={path!r}",
            "Rename it.",
        )
    with replacing_folder(path, is_export) as temporary:
        if format == "tf_saved_model":
            _write_saved_model(model, temporary)
        else:
            # Their runtimes know few operations in 16 bits.
            _write_file(in_float32(model), temporary, format)
        check_export(model, temporary, format)
    return path


def _predictor(model):
    if isinstance(model, EnsembleModel):
        model = model.predictor()
    if not isinstance(model, Predictor):
        raise expected(
            "an EnsembleModel or its predictor",
            f"model of type {type(model).__name__}",
            "Use model.export for a plain Keras model.",
        )
    return model


def is_export(path):
    """Returns whether a file or folder is an export of this library alone.

    A part of an export that a killed process left is one, too.

    Args:
        path: Its path object.
    """
    if path.is_file():
        content = path.read_bytes()
        is_model = content[4:8] == _LITERT or content[:1] == _ONNX
        return is_model and _OUTPUT in content
    names = files_below(path)
    names = {name for name in names if not unfinished(name.split("/")[-1])}
    if not all(_SAVED_MODEL.fullmatch(name) for name in names):
        return False
    graph = path / "saved_model.pb"
    if graph.name in names:
        return _OUTPUT in graph.read_bytes()
    return names == {"fingerprint.pb"}


def is_saved_ensemble(path):
    """Returns whether a file is a .keras file of an `EnsembleModel`.

    Args:
        path: Its path object.
    """
    try:
        with (
            path.open("rb") as file,
            zipfile.ZipFile(file) as archive,
            archive.open("config.json") as config,
        ):
            return config.read(len(_ENSEMBLE)) == _ENSEMBLE
    except Exception:  # Other content can raise anything.
        return False


def _write_saved_model(predictor, path):
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        _write_file(predictor, path, "tf_saved_model")
        return

    # It takes any arguments: where one is missing or misspelled, tf.function
    # (2.21) would raise with its lock held, and every other thread would wait
    # for ever. As it is, a loaded model answers that no graph matches them.
    @tf.function
    def serve(images=None, *others, **misspelled):
        return predictor(images)

    shape = (None, *predictor.image_shape)
    signatures = {
        "serving_default": serve.get_concrete_function(
            tf.TensorSpec(shape, tf.float32, name="images")
        ),
        "serving_uint8": serve.get_concrete_function(
            tf.TensorSpec(shape, tf.uint8, name="images")
        ),
    }
    archive = tf.Module()
    archive.variables_ = [v.value for v in predictor.variables]
    archive.serve = serve
    tf.saved_model.save(archive, path, signatures)


def _write_file(predictor, path, format):
    shape = (None, *predictor.image_shape)
    signature = [keras.InputSpec(shape=shape, dtype="float32")]
    native = format == "tf_saved_model"  # It has random operations.
    try:
        with contextlib.nullcontext() if native else plain_draws(predictor):
            predictor.export(
                path, format=format, input_signature=signature, verbose=False
            )
    except ImportError as error:
        raise expected(
            f"the packages that {format} export needs",
            f"{error}",
            "Run: pip install 'mimo_keras[onnx]'.",
        ) from error
