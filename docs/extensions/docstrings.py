"""Docstrings in the style of Keras for Sphinx: fences and backticks.

Napoleon reads their sections ("Args:", "Returns:"), but expects the text in
them to be reStructuredText.
"""

import importlib
import inspect
import re

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$",
    re.DOTALL | re.M,
)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_NAME = re.compile(r"([A-Za-z_][\w.]*)(\(\))?")
# What reStructuredText would read as a substitution, a link or emphasis.
_MARKUP = re.compile(r"\||(?<=\w)_(?!\w)|(?<![\w\s])\*(?=\w)")


def restructured(text):
    """Returns a docstring as reStructuredText, its sections as they are.

    A fenced block becomes a code block, `name` a link to what has this name
    (or code, if nothing has), and any other text in backticks code.
    """
    parts, end = [], 0
    for match in _FENCE.finditer(text):
        parts.append(_prose(text[end : match.start()]))
        indent, code = match["indent"], match["code"]
        lines = [f"{indent}.. code-block:: {match['language'] or 'text'}", ""]
        lines += [f"   {line}".rstrip() for line in code.splitlines()]
        parts.append("\n".join([*lines, ""]))
        end = match.end()
    return "".join([*parts, _prose(text[end:])])


def _prose(text):
    parts, end = [], 0
    for match in _SPAN.finditer(text):
        parts += [_escaped(text[end : match.start()]), _code(match[1])]
        end = match.end()
        if text[end : end + 1].isalnum():  # as in "`Group`s"
            parts.append("\\ ")
    return "".join([*parts, _escaped(text[end:])])


def _escaped(text):
    return _MARKUP.sub(lambda match: "\\" + match[0], text)


def _code(text):
    name = _NAME.fullmatch(text)
    if name is None:
        return f"``{text}``"
    return f":py:obj:`{text} <{name[1]}>`"


def _process(app, what, name, thing, options, lines):
    lines[:] = restructured("\n".join(lines)).split("\n")
    if what in ("attribute", "property"):
        # Of the first line, Napoleon takes what precedes a colon for a type.
        lines.insert(0, "\\ ")


def signature(thing):
    """Returns a class's arguments; Keras's `__new__` hides them from Sphinx."""
    given = inspect.signature(thing.__init__)
    return str(given.replace(parameters=[*given.parameters.values()][1:]))


def members(name):
    """Returns the described members of a class that this package defines.

    Args:
        name: The class, such as "mimo_keras.Predictor".

    Returns:
        Their names, those of base classes included, joined by commas.
    """
    module, _, attribute = name.rpartition(".")
    bases = getattr(importlib.import_module(module), attribute).__mro__
    own = [base for base in bases if base.__module__.startswith("mimo_keras")]
    found = {
        member: value
        for base in own[::-1]
        for member, value in vars(base).items()
    }
    return ", ".join(
        member
        for member, value in found.items()
        if not member.startswith("_") and getattr(value, "__doc__", None)
    )


def _sign(app, what, name, thing, options, arguments, result):
    if what == "class" and inspect.isfunction(thing.__init__):
        return signature(thing).removesuffix(" -> None"), None
    return None


def setup(app):
    """Converts docstrings before Napoleon, whose priority is 500."""
    app.connect("autodoc-process-signature", _sign)
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}
