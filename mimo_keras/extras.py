"""Packages of the extras, which a plain install leaves out."""

import contextlib

from mimo_keras.errors import expected

PACKAGES = {
    "data": ("importlib_resources", "tensorflow_datasets"),
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
        >>> with extras.needed("data"):
        ...     import tensorflow_datasets
    """
    try:
        yield
    except ImportError as error:
        raise _lacking(extra, f"{error}") from error


def _lacking(extra, received):
    return expected(
        f"the packages of mimo_keras[{extra}]",
        received,
        f"Run: pip install 'mimo_keras[{extra}]'.",
    )
