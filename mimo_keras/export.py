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

What a predictor was fitted on (how many examples, a digest of them, what was
asked for and found) goes with it: see `fitted_on`.

What is written is run once and compared with the predictor: see `export_check`.
Where onnxruntime is missing, a warning says that an ONNX file was not.
"""

import contextlib
import json
import re
import zipfile

import keras

from mimo_keras import files, keras_internals
from mimo_keras.errors import InputError, expected
from mimo_keras.export_check import check_export, refused
from mimo_keras.folders import replacing_folder, unfinished
from mimo_keras.layers import arguments
from mimo_keras.layers.plain_draws import plain_draws
from mimo_keras.paths import as_path, files_below
from mimo_keras.training import packed_rows
from mimo_keras.training.given_predictor import predictor_of
from mimo_keras.training.policies import in_float32
from mimo_keras.training.quantizing import is_quantized
from mimo_keras.training.writing import FORMATS

# The files of a SavedModel, in the order in which they are copied.
_SAVED_MODEL = re.compile(
    r"fingerprint\.pb|saved_model\.pb|"
    r"variables/variables\.(data-\d{5}-of-\d{5}|index)|"
    r"assets\.extra/fitted_on\.json"
)
# What a predictor was fitted on: a file of a SavedModel (servers ignore the
# folder), a metadata entry of LiteRT and ONNX files.
_FITTED_ON = "assets.extra/fitted_on.json"
_ENTRY = "mimo_keras_fitted_on"
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
    bytes (0 to 255); `loaded.serve` takes either, by its dtype. Under JAX it
    takes float32 alone, and there is no "serving_uint8". All return
    "probabilities" (B, K), "member_probabilities" (B, E, K), "entropy" (B,) and
    "mutual_information" (B,); in regression "mean", "member_means" and
    what else `layers.MeanMixture` or `layers.GaussianMixture` names. LiteRT and
    ONNX files take float32. A model of several inputs has one input of each
    name in every format, and no "serving_uint8". The module's docstring says
    what else holds in a file.

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

    Example:

    ```python
    import tensorflow as tf

    path = mimo_keras.export_saved_model(predictor, "saved_model")
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_uint8"]
    serve(images=images[:5])["probabilities"]                # (5, K)
    ```
    """
    arguments.choice("format", format, FORMATS)
    model = predictor_of(model, "Use model.export for a plain Keras model.")
    path = str(as_path(path))
    if format == "litert" and not path.endswith(".tflite"):
        raise expected(
            "a path that ends in .tflite for format litert",
            f"path={path!r}",
            "Rename it.",
        )
    with replacing_folder(path, is_export) as temporary:
        with _reported(format):
            if format == "tf_saved_model":
                _write_saved_model(model, temporary)
            else:
                # Their runtimes know few operations in 16 bits.
                _write_file(in_float32(model), temporary, format)
        if facts := [_facts(stage) for stage in model.stages]:
            _ADDERS[format](temporary, {"stages": facts})
        check_export(model, temporary, format)
    return path


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
    return bool(names) and names <= {"fingerprint.pb", _FITTED_ON}


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
    @tf.function(autograph=False)
    def serve(images=None, *others, **misspelled):
        return predictor(images)

    if predictor.split is None:
        shape = (None, *predictor.image_shape)
        signatures = {
            "serving_default": serve.get_concrete_function(
                tf.TensorSpec(shape, tf.float32, name="images")
            ),
            "serving_uint8": serve.get_concrete_function(
                tf.TensorSpec(shape, tf.uint8, name="images")
            ),
        }
    else:
        serve, signatures = _serving_named(predictor)
    archive = tf.Module()
    archive.variables_ = [v.value for v in predictor.variables]
    archive.serve = serve
    tf.saved_model.save(archive, path, signatures)


def _serving_named(predictor):
    """Returns the function, and signatures, of several named inputs."""
    import tensorflow as tf

    names = predictor.split.shapes

    # As in the function of one input, for the same reason.
    @tf.function(autograph=False)
    def serve(*others, **named):
        return predictor({name: named[name] for name in names})

    specs = packed_rows.signature(predictor.split, predictor.image_shape)
    specs = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in specs.items()
    }
    return serve, {"serving_default": serve.get_concrete_function(**specs)}


def _write_file(predictor, path, format):
    if format == "litert":
        _check_backend()
        _check_unquantized(predictor)
    signature = [packed_rows.signature(predictor.split, predictor.image_shape)]
    native = format == "tf_saved_model"  # It has random operations.
    with contextlib.nullcontext() if native else plain_draws(predictor):
        predictor.export(
            path, format=format, input_signature=signature, verbose=False
        )


@contextlib.contextmanager
def _reported(format):
    """Raises what a converter raises as an error in one line."""
    try:
        yield
    except ImportError as error:
        raise _lacking(format, error) from error
    except (InputError, OSError):
        raise
    except Exception as error:  # Converters raise errors of any kind.
        if format == "tf_saved_model" and _is_of_tensorflow(error):
            raise  # A full disk, for example: nothing is converted.
        raise refused(format, "when it is converted", error) from error


def _is_of_tensorflow(error):
    import tensorflow as tf

    return isinstance(error, tf.errors.OpError)


def _check_backend():
    """Raises InputError under a backend that writes no LiteRT files."""
    name = keras.backend.backend()
    if name != "tensorflow":
        raise expected(
            "the TensorFlow backend for format='litert'",
            f"backend {name}",
            "Save the model as .keras, and export it with "
            "KERAS_BACKEND=tensorflow.",
        )


def _check_unquantized(predictor):
    """Raises InputError for dense layers that LiteRT's converter refuses."""
    for layer in keras_internals.layers_within(predictor):
        if is_quantized(layer):
            raise expected(
                "a predictor that is not quantized for format='litert'",
                f"{layer.name} quantized to {layer.quantization_mode}",
                "Export it before quantizing, or in another format.",
            )


def _lacking(format, error):
    remedy = "Run: pip install 'mimo_keras[onnx]'."
    if keras.backend.backend() != "tensorflow":
        remedy = (
            "Or save it as .keras, and export with KERAS_BACKEND=tensorflow."
        )
    return expected(
        f"the packages that {format} export needs", f"{error}", remedy
    )


def fitted_on(path):
    """Returns what an exported or saved predictor was fitted on.

    Other programs find the same as "stages" in JSON: of a SavedModel in
    `assets.extra/fitted_on.json`, of a LiteRT or ONNX file in the metadata
    "mimo_keras_fitted_on".

    Args:
        path: Of a SavedModel, or of a .tflite, .onnx or .keras file.

    Returns:
        A list with a dictionary for each stage, in their order: "stage", its
        kind; "examples" and "sha256" of what it was fitted on; what was asked
        for, such as "coverage"; and its settings that are numbers or texts,
        such as "temperature". Empty if nothing was fitted.

    Raises:
        InputError: It is no such file or folder.

    Example:

    ```python
    calibrated = predictor.calibrate(held_out_images, held_out_labels)
    calibrated.save("calibrated.keras")
    [stage] = mimo_keras.fitted_on("calibrated.keras")
    stage["stage"], stage["examples"]  # ('Temperature', 200)
    ```
    """
    path = as_path(path)
    try:
        if path.is_dir():
            if not (path / "saved_model.pb").exists():
                raise FileNotFoundError("no saved_model.pb in it")
            file = path / _FITTED_ON
            if not file.exists():
                return []
            return files.read_json(file)["stages"]
        if path.suffix not in _READERS:
            ending = f"the ending {path.suffix!r}"
            raise ValueError(ending if path.exists() else "no such file")
        return _READERS[path.suffix](path)
    except ImportError as error:
        raise _lacking("onnx", error) from error
    except Exception as error:  # A damaged file can raise anything.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    raise expected(
        "a SavedModel, or a whole .tflite, .onnx or .keras file",
        f"path={str(path)!r}: {reason[:200]}",
        "Name what export_saved_model or save has written.",
    )


def _facts(stage):
    """Returns what a stage was fitted on, and found, as JSON values."""
    return _plain(type(stage).__name__, stage.get_config())


def _plain(kind, config):
    facts = {"stage": kind, **config.get("fitted_on", {})}
    for name, value in config.items():
        known = name in ("name", "trainable", "dtype")
        if not known and isinstance(value, (bool, int, float, str)):
            facts[name] = value
    return facts


def _add_file(path, facts):
    file = as_path(path) / _FITTED_ON
    file.parent.mkdir()
    files.write_json(file, facts)


def _add_to_litert(path, facts):
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps(facts).encode())
    entry.name, entry.buffer = _ENTRY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    flatbuffer_utils.write_model(model, str(path))


def _add_to_onnx(path, facts):
    import onnx

    model = onnx.load(str(path))
    model.metadata_props.add(key=_ENTRY, value=json.dumps(facts))
    onnx.save(model, str(path))


def _of_litert(path):
    from tensorflow.lite.tools import flatbuffer_utils

    if path.read_bytes()[4:8] != _LITERT:
        raise ValueError("no LiteRT file")
    model = flatbuffer_utils.read_model(str(path))
    for entry in model.metadata or []:
        if entry.name.decode() == _ENTRY:
            data = bytes(model.buffers[entry.buffer].data)
            return json.loads(data)["stages"]
    return []


def _of_onnx(path):
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    found = {entry.key: entry.value for entry in model.metadata_props}
    return json.loads(found[_ENTRY])["stages"] if _ENTRY in found else []


def _of_keras(path):
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
    return [
        _plain(stage["class_name"], stage["config"])
        for stage in config["config"].get("stages", [])
    ]


_ADDERS = {
    "tf_saved_model": _add_file,
    "litert": _add_to_litert,
    "onnx": _add_to_onnx,
}
_READERS = {".tflite": _of_litert, ".onnx": _of_onnx, ".keras": _of_keras}
