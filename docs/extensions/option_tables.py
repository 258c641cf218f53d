"""Every method and likelihood with its options and defaults, from the code."""

import dataclasses
import inspect
import re

from mimo_keras.methods import registry
from mimo_keras.training.likelihoods.choosing import NAMES

_ENTRY = re.compile(r"(\w+): (.*)")


def described(docstring, section):
    """Returns a dictionary of the entries of a section, such as "Args".

    Args:
        docstring: The cleaned docstring.
        section: The section's title.
    """
    _, _, text = docstring.partition(f"\n{section}:\n")
    entries = {}
    for line in text.splitlines():
        if not line.startswith("    "):
            break
        match = _ENTRY.fullmatch(line[4:])
        if match:
            name, entries[match[1]] = match.groups()
        else:
            entries[name] += f" {line.strip()}"
    return entries


def table(defaults, descriptions):
    """Returns Markdown: a row for each option, its default, what it does."""
    if not defaults:
        return "It has no options of its own.\n"
    rows = ["| Option | Default | What it does |", "| :--- | :--- | :--- |"]
    for name, default in defaults.items():
        words = descriptions[name].replace("|", "\\|")
        rows.append(f"| `{name}` | `{default!r}` | {words} |")
    return "\n".join(["```{table}", ":class: options", *rows, "```", ""])


def methods():
    """Returns Markdown on every method: what it is, options, source."""
    parts = []
    for name in registry.list_methods():
        method = registry.get(name)
        if not method.__module__.startswith("mimo_keras."):
            continue  # The guide to adding a method has registered one.
        text = inspect.getdoc(method)
        parameters = inspect.signature(method).parameters
        defaults = {n: parameters[n].default for n in registry.options(name)}
        options = table(defaults, described(text, "Args"))
        parts += [f"## {name}", _prose(text), options, _source(text)]
    return "\n\n".join(parts)


def likelihoods():
    """Returns Markdown on every likelihood: what it is, options, source."""
    parts = []
    for name, kind in NAMES.items():
        text = inspect.getdoc(kind)
        defaults = {
            field.name: field.default
            for field in dataclasses.fields(kind)
            if field.default is not dataclasses.MISSING
            and field.name not in ("num_classes", "output_dim")
        }
        options = table(defaults, described(text, "Attributes"))
        parts += [f"## {name}", _prose(text), options, _source(text)]
    return "\n\n".join(parts)


def _prose(docstring):
    """Returns what stands before the first section."""
    return re.split(r"^[A-Z][a-z]+(?: [a-z]+)?:$", docstring, flags=re.M)[0]


def _source(docstring):
    _, found, text = docstring.partition("\nReference:\n")
    text = " ".join(text.split("\n\n")[0].split())
    return f"Reference: {text}" if found else ""


def setup(app):
    """Adds the directive `option-tables` with `methods` or `likelihoods`."""
    from sphinx.util.docutils import SphinxDirective

    class OptionTables(SphinxDirective):
        required_arguments = 1

        def run(self):
            made = {"methods": methods, "likelihoods": likelihoods}
            return self.parse_text_to_nodes(
                made[self.arguments[0]](), allow_section_headings=True
            )

    app.add_directive("option-tables", OptionTables)
    return {"parallel_read_safe": True}
