"""Methods by name."""

import inspect
import math
import numbers
import re

from mimo_keras import keras_internals
from mimo_keras.backbones.own import Misfit
from mimo_keras.errors import InputError, closest, expected
from mimo_keras.layers.arguments import plain
from mimo_keras.layers.members import checked_members

_METHODS = {}
# Of an option's default: what its values may be.
_KINDS = {
    bool: (bool, "True or False"),
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a finite number"),
    str: (str, "a name"),
}
_LARGEST = 2**31 - 1
# What TensorFlow, JAX and NumPy say of arrays that are too large.
_FULL = re.compile(
    r"MemoryError|OverflowError|RESOURCE.?EXHAUSTED|out of memory|OOM"
    r"|too many elements|too large|more than 2\*\*63|out-of-range integer",
    re.IGNORECASE,
)


def register(name):
    """Returns a decorator that registers a method as `name`.

    A method is a function from a `Task`, and its own options as keyword
    arguments, to a `Blueprint`.

    Args:
        name: What `create_model` takes as `method`.

    Returns:
        The decorator, which returns the function as it is.

    Example:

    ```python
    @mimo_keras.methods.register("two_heads")
    def two_heads(task):
        inputs = keras.Input(task.input_shape)
        features, _ = task.backbone.features(inputs, mimo_keras.backbones.Kit())
        heads = mimo_keras.layers.DenseMultihead(task.outputs, ensemble_size=2)
        network = keras.Model(inputs, heads(features))
        return mimo_keras.methods.Blueprint(network)
    ```
    """

    def decorate(method):
        _METHODS[name] = method
        return method

    return decorate


def list_methods():
    """Returns the names of the methods, sorted.

    Returns:
        A list of texts.

    Example:

    ```python
    "mimo" in mimo_keras.list_methods()                      # True
    ```
    """
    return sorted(_METHODS)


def options(name):
    """Returns the names of a method's own options, in order.

    Args:
        name: The method.

    Returns:
        A list of names.

    Example:

    ```python
    mimo_keras.methods.options("batch_ensemble")[0]  # ensemble_batch_norm
    ```
    """
    parameters = inspect.signature(get(name)).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def get(name):
    """Returns the method called `name`.

    Raises:
        InputError: The name is unknown.
    """
    if not isinstance(name, str) or name not in _METHODS:
        raise expected(
            "a method among " + ", ".join(list_methods()),
            f"method={name!r}",
            closest(name, _METHODS),
        )
    return _METHODS[name]


def _check_kinds(name, chosen):
    """Raises InputError if an option is of another kind than its default."""
    parameters = inspect.signature(get(name)).parameters
    for option, value in chosen.items():
        default = parameters[option].default
        for kind, (accepted, words) in _KINDS.items():
            is_flag = isinstance(value, bool)
            good = isinstance(value, accepted) and is_flag == (kind is bool)
            good = good and (kind is not float or math.isfinite(value))
            if type(default) is kind and not good:
                raise expected(
                    f"{option} to be {words}",
                    f"{option}={value!r}",
                    f"The default is {default!r}.",
                )


def _check_names(name, chosen, arguments):
    """Raises InputError if the method does not have one of the options."""
    known = options(name)
    for option in chosen:
        if option not in known:
            raise expected(
                f"for method {name} only the options "
                + (", ".join(known) or "(it has none)"),
                f"{option}={chosen[option]!r}",
                closest(
                    option,
                    (*known, *arguments),
                    "Leave it out or choose another method.",
                ),
            )


def build(name, task, chosen, arguments=()):
    """Builds the network of a method.

    Args:
        name: The method.
        task: The `Task`.
        chosen: Dictionary of the method's own options.
        arguments: Names that an unknown option may be a misspelling of, besides
            the options.

    Returns:
        The `Blueprint`.

    Raises:
        InputError: The method or an option is unknown.

    Example:

    ```python
    task = mimo_keras.methods.Task(
        mimo_keras.backbones.get("small_cnn_1"), input_shape=(8, 8, 1),
        outputs=10, ensemble_size=2)
    blueprint = mimo_keras.methods.build("mimo", task, {"batch_repetitions": 4})
    blueprint.network.output_shape                           # (None, 2, 10)
    ```
    """
    _check_names(name, chosen, arguments)
    chosen = {option: plain(value) for option, value in chosen.items()}
    _check_kinds(name, chosen)
    checked_members(task.ensemble_size)
    task.backbone.check_shape(task.input_shape)
    largest = max(task.outputs, *(size or 0 for size in task.input_shape))
    if largest > _LARGEST:  # Backends differ in what they then raise.
        raise _too_large(name, task, f"a size of {largest}")
    try:
        return get(name)(task, **chosen)
    except InputError:
        raise
    except Misfit as error:
        raise expected(
            "input_shape of the backbone's own images",
            f"input_shape={task.input_shape}, and {error}",
            "Resize the images, or pass a function that makes new layers.",
        ) from error
    except Exception as error:  # A full memory is reported in many ways.
        if _FULL.search(f"{type(error).__name__} {error}"):
            raise _too_large(name, task, error) from error
        repeated = keras_internals.repeated_name(error)
        if repeated is None:
            raise
        raise expected(
            "a backbone whose layers have names of their own",
            f"two layers named {repeated}",
            "Rename one; the method's own have names such as heads and stem.",
        ) from error


def _too_large(name, task, error):
    # Without the names of TensorFlow's kernel and device.
    reason = re.sub(r"\{\{.*?\}\}|on /job.*|\[Op.*", " ", str(error))
    reason = " ".join(reason.split()) or type(error).__name__
    return expected(
        "a network that fits into memory",
        f"method {name}, input_shape={task.input_shape}, "
        f"ensemble_size={task.ensemble_size}: {reason[:200]}",
        "Lower these, the backbone's width or the number of outputs.",
    )
