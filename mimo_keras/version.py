"""The version, defined only here; pyproject.toml refers to it."""

__version__ = "0.1.0"
