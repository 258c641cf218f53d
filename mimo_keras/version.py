"""The version, written down here only; pyproject.toml refers to it."""

__version__ = "0.1.0"
