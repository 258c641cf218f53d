"""The entry for tools that ask for setup.py; pyproject.toml says the rest."""

import setuptools

setuptools.setup()
