"""Packages of the extras, which a plain install leaves out."""

import contextlib
import importlib.util

from mimo_keras.errors import expected

PACKAGES = {
    "data": ("PIL", "importlib_resources", "tensorflow_datasets"),
    "plots": ("matplotlib",),
    "runs": (
        *("PIL", "importlib_resources", "matplotlib", "tensorboard"),
        "tensorflow_datasets",
    ),
}
"""Extra -> what our code imports of it; pyproject.toml has the versions."""


@contextlib.contextmanager
def needed(extra):
    """Reports a package that cannot be imported, with its pip line.

    Args:
        extra: Name of the extra that has what is imported inside.

    Raises:
        InputError: An import inside failed.

    Example:
        >>> from mimo_keras import extras
        >>> with extras.needed("plots"):
        ...     import matplotlib
    """
    try:
        yield
    except ImportError as error:
        raise _lacking(extra, f"{error}") from error


def check(extra):
    """Raises InputError, before work is done, if an extra is not installed.

    Args:
        extra: Its name.
    """
    missing = [p for p in PACKAGES[extra] if not importlib.util.find_spec(p)]
    if missing:
        raise _lacking(extra, f"no {', '.join(missing)}")


def _lacking(extra, received):
    return expected(
        f"the packages of mimo_keras[{extra}]",
        received,
        f"Run: pip install 'mimo_keras[{extra}]'.",
    )
