"""Methods by name."""

import inspect

from mimo_keras.errors import expected

_METHODS = {}


def register(name):
    """Returns a decorator that registers a method as `name`.

    A method is a function from a `Task`, and its own options as keyword
    arguments, to a `Blueprint`.
    """

    def decorate(method):
        _METHODS[name] = method
        return method

    return decorate


def list_methods():
    """Returns the names of the methods, sorted."""
    return sorted(_METHODS)


def options(name):
    """Returns the names of a method's own options, in order."""
    parameters = inspect.signature(get(name)).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def get(name):
    """Returns the method called `name`.

    Raises:
        InputError: The name is unknown.
    """
    if name not in _METHODS:
        raise expected(
            "a method among " + ", ".join(list_methods()),
            f"method={name!r}",
            "Choose one of these.",
        )
    return _METHODS[name]


def build(name, task, chosen):
    """Builds the network of a method.

    Args:
        name: The method.
        task: The `Task`.
        chosen: Dictionary of the method's own options.

    Returns:
        The `Blueprint`.

    Raises:
        InputError: The method or an option is unknown.
    """
    known = options(name)
    for option in chosen:
        if option not in known:
            raise expected(
                f"for method {name} only the options "
                + (", ".join(known) or "(it has none)"),
                f"{option}={chosen[option]!r}",
                "Leave it out or choose another method.",
            )
    if task.ensemble_size < 1:
        raise expected(
            "ensemble_size of at least 1",
            f"ensemble_size={task.ensemble_size}",
            "Use 1 for a single network.",
        )
    return get(name)(task, **chosen)
