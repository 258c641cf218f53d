"""Runs an exported file once, and compares it with its predictor."""

import contextlib
import functools
import warnings

import keras
import numpy as np
from absl import logging

from mimo_keras import keras_internals
from mimo_keras.errors import expected
from mimo_keras.training import packed_rows, scale_checks
from mimo_keras.training.quantizing import is_quantized

SIZES = (1, 3)
"""Batch sizes at which an export is run."""
_COPIES = 32
"""Copies of one image over which random predictions are averaged."""
_SPREADS = 6
"""Standard errors by which two such averages may differ."""
_CLOSE, _CLOSE_IN_LOW_PRECISION = 1e-3, 5e-2
"""Differences that rounding may cause, relative to the largest value."""


def check_export(predictor, path, format):
    """Compares what an exported file predicts with the predictor.

    It is run at two batch sizes, and on an image with NaN, which must not get
    an answer. LiteRT is run with and without its delegate XNNPACK, which some
    devices lack. What draws random numbers must agree in shape, in what
    sums to 1, and on average over copies of one image.

    Args:
        predictor: `Predictor`; its random state is left as it was.
        path: The file or folder.
        format: As in `export_saved_model`.

    Raises:
        InputError: It cannot be run, or predicts something else.
    """
    images = _images(predictor)
    try:
        runners = _of_rows(predictor, _RUNNERS[format](path))
    except Exception as error:  # Runtimes raise errors of any kind.
        raise refused(format, "when it is loaded", error) from error
    if not runners:
        return
    with _state_kept(predictor) as has_drawn:
        wanted = [_numpy(predictor(images[:size])) for size in SIZES]
        if has_drawn():
            copies = np.repeat(images[:1], _COPIES, axis=0)
            average = _numpy(predictor(copies))
            compare = functools.partial(_compare_averages, average, copies)
        else:
            close = _tolerance(predictor)
            compare = functools.partial(_compare, wanted, images, close)
        for how, run in runners.items():
            try:
                for size, values in zip(SIZES, wanted, strict=True):
                    _compare_shapes(values, run(images[:size]))
                compare(run)
                _compare_on_nan(predictor, images, run)
            except _Difference as error:
                raise refused(format, how, error) from None
            except Exception as error:
                raise refused(format, how, error) from error


def _images(predictor):
    """Returns random images on the predictor's scale."""
    standardize = predictor.standardize
    shape = (max(SIZES), *predictor.image_shape)
    images = np.random.default_rng(0).random(shape, np.float32)
    images = images * np.float32(standardize.std) + np.float32(standardize.mean)
    reach = standardize.input_scale == "0..255"
    reach = reach or scale_checks.takes_bytes(standardize)
    return images * np.float32(255 if reach else 1)


def _of_rows(predictor, runners):
    """Returns the runners as functions of one array."""
    if predictor.split is None:
        return runners

    def named(run):
        return lambda rows: run(packed_rows.unpacked(predictor.split, rows))

    return {how: named(run) for how, run in runners.items()}


class _Difference(Exception):
    """The export predicts something else."""


def refused(format, how, error):
    """Returns the error about an export that is not what it should be.

    Args:
        format: As in `export_saved_model`.
        how: When it was found out, such as "when it is loaded".
        error: What was raised then.
    """
    other = "tf_saved_model"
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return expected(
        "an export that predicts what the predictor does",
        f"format={format!r} that does not, {how}: {reason[:200]}",
        f"Use format={other!r}."
        if format != other
        else "Replace the layers that TensorFlow cannot save.",
    )


def _numpy(outputs):
    return {
        name: keras.ops.convert_to_numpy(value)
        for name, value in outputs.items()
    }


@contextlib.contextmanager
def _state_kept(predictor):
    """Restores the seeds; yields a function that says whether any changed."""
    weights = {id(variable) for variable in predictor.weights}
    states = [v for v in predictor.variables if id(v) not in weights]
    before = _copied(states)

    def has_changed():
        pairs = zip(_copied(states), before, strict=True)
        return any((now != then).any() for now, then in pairs)

    try:
        yield has_changed
    finally:
        for variable, value in zip(states, before, strict=True):
            variable.assign(value)


def _copied(variables):
    return [np.copy(keras.ops.convert_to_numpy(v)) for v in variables]


def _tolerance(predictor):
    layers = keras_internals.layers_within(predictor)
    exact = all(
        layer.compute_dtype in ("float32", "float64")
        and not is_quantized(layer)
        for layer in layers
    )
    return _CLOSE if exact else _CLOSE_IN_LOW_PRECISION


def _compare_shapes(wanted, found):
    for name, value in wanted.items():
        shape = np.shape(found.get(name))
        if shape != value.shape:
            raise _Difference(
                f"{name} of shape {shape} for a batch of {len(value)}, "
                f"not {value.shape}"
            )
        is_whole = value.ndim > 1 and np.allclose(value.sum(-1), 1, atol=1e-4)
        if is_whole and not np.allclose(found[name].sum(-1), 1, atol=1e-3):
            raise _Difference(f"{name} that do not sum to 1")


def _compare(wanted, images, close, run):
    for size, values in zip(SIZES, wanted, strict=True):
        found = run(images[:size])
        largest = max(
            np.abs(value).max()
            for value in values.values()
            if value.dtype.kind == "f"
        )
        for name, value in values.items():
            if value.dtype.kind != "f":
                _compare_decisions(name, value, found[name])
                continue
            allowed = close * (np.abs(value).max() + 0.1 * largest)
            _check_difference(name, value - found[name], allowed)


def _compare_decisions(name, wanted, found):
    """Compares what was decided by thresholds, where rounding may decide."""
    different = np.count_nonzero(wanted != found)
    if different > max(1, wanted.size // 10):
        raise _Difference(f"{name} that differs in {different} values")


def _compare_averages(wanted, copies, run):
    found = run(copies)
    for name, value in wanted.items():
        spread = value.var(axis=0) + found[name].var(axis=0)
        allowed = _SPREADS * np.sqrt(spread / len(copies)) + _CLOSE
        difference = value.mean(axis=0) - found[name].mean(axis=0)
        _check_difference(f"averages of {name}", difference, allowed)


def _check_difference(name, difference, allowed):
    difference = np.abs(difference)
    if not (difference <= allowed).all():
        raise _Difference(f"{name} that differ by {difference.max():.2g}")


def _compare_on_nan(predictor, images, run):
    bad = np.array(images[:1])
    bad[(0, *[0] * (bad.ndim - 2), _first_float(predictor))] = np.nan
    try:
        found = run(bad)
    except Exception:  # It refuses the image, which is as good.
        return
    for name, value in _numpy(predictor(bad)).items():
        if not np.array_equal(found[name], value, equal_nan=True):
            wanted = "NaN" if value.dtype.kind == "f" else value.flat[0]
            raise _Difference(
                f"{name} other than {wanted} for an image with NaN"
            )


def _first_float(predictor):
    """Returns the place in a row that may be NaN: integers cannot."""
    if predictor.split is None:
        return 0
    for name, place in predictor.split.places().items():
        if name not in predictor.split.dtypes:
            return place.start
    return None


def _saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(path)

    def run(inputs):
        signature = loaded.signatures["serving_default"]
        inputs = _named(inputs, signature.structured_input_signature[1])
        return _numpy(
            signature(**{n: tf.constant(x) for n, x in inputs.items()})
        )

    return {"as loaded by TensorFlow": run}


def _litert(path):
    import tensorflow as tf

    resolver = tf.lite.experimental.OpResolverType

    def run(inputs, kind):
        with warnings.catch_warnings():
            # TensorFlow warns that its interpreter will move elsewhere.
            warnings.simplefilter("ignore")
            interpreter = tf.lite.Interpreter(
                path, experimental_op_resolver_type=kind
            )
        places = _places(interpreter)
        inputs = _named(inputs, places)
        for name, values in inputs.items():
            interpreter.resize_tensor_input(places[name], values.shape)
        return interpreter.get_signature_runner()(**inputs)

    return {
        "with XNNPACK": functools.partial(run, kind=resolver.AUTO),
        "without XNNPACK": functools.partial(
            run, kind=resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    }


def _places(interpreter):
    """Returns the indices of a LiteRT file's inputs by their names."""
    details = interpreter.get_signature_runner().get_input_details()
    return {name: each["index"] for name, each in details.items()}


def _onnx(path):
    try:
        import onnxruntime
    except ImportError:
        logging.warning("%s is not checked: onnxruntime is missing.", path)
        return {}

    def run(inputs):
        session = onnxruntime.InferenceSession(
            path, providers=["CPUExecutionProvider"]
        )
        given = _named(inputs, [each.name for each in session.get_inputs()])
        names = [output.name for output in session.get_outputs()]
        values = session.run(None, given)
        return dict(zip(names, values, strict=True))

    return {"in ONNX Runtime": run}


def _named(inputs, names):
    """Returns arrays by the names that a file has for its inputs."""
    if isinstance(inputs, dict):
        return inputs
    [name] = names
    return {name: inputs}


_RUNNERS = {"tf_saved_model": _saved_model, "litert": _litert, "onnx": _onnx}
