"""The entry for tools that ask for setup.py; pyproject.toml says the rest.

Here is only what it cannot say: README.md as packages carry it, without links
and pictures that lead nowhere outside the repository.
"""

import pathlib
import re

import setuptools

README = pathlib.Path(__file__).parent / "README.md"


def described(text):
    """Returns Markdown without relative links and pictures.

    A link leaves its words, and the file's name where these do not say it.

    Args:
        text: The Markdown of a file at the root of the repository.
    """
    return re.sub(r"!?\[([^\]]+)\]\((?!\w+:)([^)#]+)[^)]*\)", _named, text)


def _named(link):
    words, path = link.groups()
    return words if words == path else f"{words} ({path})"


setuptools.setup(
    long_description=described(README.read_text("utf-8")),
    long_description_content_type="text/markdown",
)
