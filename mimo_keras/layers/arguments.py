"""Checks of constructors' arguments, before a backend meets them."""

import math
import numbers

import keras
import numpy as np

from mimo_keras.errors import closest, expected


def plain(value):
    """Returns NumPy's scalars and arrays as Python's own, others as they are.

    Configs of layers can only hold these.
    """
    is_numpy = isinstance(value, (np.generic, np.ndarray))
    return value.tolist() if is_numpy else value


def is_whole(value):
    """Whether a value is an int, or NumPy's; neither a bool nor a float is."""
    is_integer = isinstance(value, numbers.Integral)
    return is_integer and not isinstance(value, bool)


def is_number(value):
    """Whether a value is a real number, also NumPy's; a bool is not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def whole(name, value, least=1, remedy="Raise it.", most=None):
    """Returns a whole number as an int.

    Args:
        name: Name of the argument.
        value: Its value.
        least: The smallest number allowed; None for any.
        remedy: What the user can do about a smaller one.
        most: The largest number allowed; None for any.

    Raises:
        InputError: It is not a whole number, smaller or larger.
    """
    value = plain(value)
    if not is_whole(value):
        raise expected(
            f"{name} to be a whole number", f"{name}={value!r}", "Pass an int."
        )
    if least is not None and value < least:
        raise expected(f"{name} of at least {least}", f"{name}={value}", remedy)
    if most is not None and value > most:
        raise expected(
            f"{name} of at most {most}", f"{name}={value}", "Lower it."
        )
    return int(value)


def bins(value):
    """Returns a number of bins of a histogram, from 1 to 10,000."""
    return whole("num_bins", value, remedy="The usual is 15.", most=10_000)


def sizes(name, value):
    """Returns one size or two, of at least 1, as an int or a tuple of ints.

    Raises:
        InputError: They are not of these.
    """
    value = plain(value)
    if not isinstance(value, (tuple, list)):
        return whole(name, value)
    if len(value) != 2:
        raise expected(
            f"{name} to be one whole number or two",
            f"{name}={value!r}",
            "Pass an int, or two for height and width.",
        )
    return tuple(whole(name, size) for size in value)


def number(name, value, least=-math.inf, most=math.inf):
    """Returns a finite number as a Python number.

    Args:
        name: Name of the argument.
        value: Its value.
        least: The smallest number allowed.
        most: The largest number allowed.

    Raises:
        InputError: It is not a number, not finite or out of these bounds.
    """
    value = plain(value)
    is_finite = is_number(value) and math.isfinite(value)
    if not is_finite or not least <= value <= most:
        bounds = f" of at least {least}" if math.isfinite(least) else ""
        if math.isfinite(most):
            bounds = f" from {least} to {most}"
        raise expected(
            f"{name} to be a finite number{bounds}",
            f"{name}={value!r}",
            "Pass a float.",
        )
    return value


def flag(name, value):
    """Returns True or False, for which 1 and 0 may also stand.

    Raises:
        InputError: It is something else.
    """
    value = plain(value)
    if not isinstance(value, numbers.Integral) or value not in (0, 1):
        raise expected(
            f"{name} to be True or False", f"{name}={value!r}", "Pass a bool."
        )
    return bool(value)


def choice(name, value, choices):
    """Returns a name among `choices`.

    Raises:
        InputError: It is another one.
    """
    if not isinstance(value, str) or value not in choices:
        raise expected(
            f"{name} among {', '.join(choices)}",
            f"{name}={value!r}",
            closest(value, choices),
        )
    return value


def log_weights(values):
    """Returns log mixture weights as a tuple of floats.

    Args:
        values: The log weights, (E,); minus infinity is a weight of zero.

    Raises:
        InputError: They are not a vector, or the weights do not sum to 1
            within 1e-3.
    """
    try:
        logs = np.asarray(values, dtype="float64")
    except (TypeError, ValueError):
        logs = np.array(math.nan)
    total = math.nan
    if logs.ndim == 1 and logs.size:
        # No weight is above 1: the minimum keeps the exponential finite.
        total = math.fsum(np.exp(np.minimum(logs, 1.0)))
    if not abs(total - 1.0) < 1e-3:
        raise expected(
            "a vector of log mixture weights whose weights sum to 1",
            f"log_weights={plain(values)!r}",
            "Pass E times -log(E) for equal weights.",
        )
    return tuple(logs.tolist())


def seed(value):
    """Returns a seed as Keras takes it: None, an int or a SeedGenerator.

    Raises:
        InputError: It is something else.
    """
    if value is None or isinstance(value, keras.random.SeedGenerator):
        return value
    is_jax = keras.backend.backend() == "jax"
    return seed_number(value, 0 if is_jax else None)


def seed_number(value, least=0):
    """Returns a seed as an int that the backend's generators take.

    Args:
        value: The seed.
        least: The smallest one; None for any.

    Raises:
        InputError: It is something else.
    """
    # JAX's generators hold unsigned numbers of 32 bits.
    bits = 32 if keras.backend.backend() == "jax" else 63
    return whole("seed", value, least, "Pass 0 or more.", most=2**bits - 1)
