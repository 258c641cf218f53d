"""The repository's documents as pages of the site, with links that hold.

A link to a document or a guide leads to its page. One to another source, which
the site does not show, is left as text.
"""

import pathlib
import posixpath
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "readme.md",
    "GLOSSARY.md": "glossary.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages in docs/ that show a document at the root of the repository."""

_FENCE = re.compile(r"(^ *```.*?^ *```)", re.DOTALL | re.M)
_GUIDE = re.compile(r"docs/guides/(\w+)\.py")
_NAME = re.compile(r"(?<![`\w}])`(mimo_keras(?:\.\w+)+)`(?!`)")
_LINK = re.compile(r"(!?)\[([^\]]+)\]\(([^)\s:=]+?)(#[^)\s]*)?\)")


def rebased(text, folder=""):
    """Returns Markdown whose links are those of a page in docs/.

    Args:
        text: The Markdown of a file.
        folder: The file's folder in the repository.
    """

    def link(match):
        image, words, path, anchor = match.groups(default="")
        target = _target(posixpath.normpath(f"{folder or '.'}/{path}"))
        if target is None:
            return words
        return f"{image}[{words}]({target}{anchor})"

    # What stands at odd places is code.
    parts = _FENCE.split(_joined(text))
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def _joined(text):
    """Returns the text with the words of every link on one line."""
    return re.sub(
        r"\[[^\]\n]+\n[^\]\n]+\]\(", lambda m: m[0].replace("\n", " "), text
    )


def _target(path):
    if guide := _GUIDE.fullmatch(path):
        return f"generated/guides/{guide[1]}.rst"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path in PAGES:
        return PAGES[path]
    return f"../{path}" if path.endswith(".png") else None


def linked(text):
    """Returns Markdown in which public names in backticks are links."""
    parts = _FENCE.split(text)
    parts[::2] = [_NAME.sub(r"{py:obj}`\1`", part) for part in parts[::2]]
    return "".join(parts)


def _read(app, name, source):
    shown = {page.removesuffix(".md"): file for file, page in PAGES.items()}
    if name in shown:
        source[0] = rebased((ROOT / shown[name]).read_text("utf-8"))
    elif "/" not in name:
        source[0] = rebased(source[0], "docs")
    if name.split("/")[0] != "generated":
        source[0] = linked(source[0])


def _outdated(app, env, added, changed, removed):
    """The pages of documents elsewhere, which may have changed."""
    return [page.removesuffix(".md") for page in PAGES.values()]


def setup(app):
    """Takes part when a page is read."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True}
