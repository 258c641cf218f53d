"""The site's own parts: docstrings, links, tables, and what its pages list."""

import dataclasses
import functools
import importlib
import inspect
import pathlib
import re

import pytest

import mimo_keras
from docs.extensions import (
    check_site,
    docstrings,
    figures,
    option_tables,
    repository_links,
)
from mimo_keras.methods import registry
from mimo_keras.training.likelihoods.choosing import NAMES
from tests import reference

ROOT = pathlib.Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.M)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "`fit` of `A.b()`s",
            r":py:obj:`fit <fit>` of :py:obj:`A.b() <A.b>`\ s",
        ),
        ("`a < b` or |x| as x_ and σ*", r"``a < b`` or \|x\| as x\_ and σ*"),
        (
            "A:\n    ```python\n    a = `1`\n\n    b\n    ```\nend",
            "A:\n    .. code-block:: python\n\n"
            "       a = `1`\n\n       b\n\nend",
        ),
    ],
)
def test_docstrings_become_restructured_text(text, expected):
    lines = docstrings.restructured(text).split("\n")
    assert [x.rstrip() for x in lines] == expected.split("\n")


def test_the_arguments_of_a_keras_class_are_shown():
    shown = docstrings.signature(mimo_keras.layers.FoldMembers)
    assert shown.startswith("(ensemble_size, ")


def test_the_members_of_a_class_include_those_of_its_bases():
    shown = docstrings.members("mimo_keras.Predictor").split(", ")
    assert {"calibrate", "prediction_sets", "log_weights"} <= {*shown}
    assert {"add_loss", "call"}.isdisjoint(shown)


def test_links_of_a_document_hold_on_its_page():
    text = (
        "[a](docs/x.md#y) [b\nc](GLOSSARY.md) [d](mimo_keras/files.py) "
        "![e](results/e.png) [f](https://g.h/i)\n```\n[j](k=k)\n```\n"
    )
    assert repository_links.rebased(text) == (
        "[a](x.md#y) [b c](glossary.md) d ![e](../results/e.png) "
        "[f](https://g.h/i)\n```\n[j](k=k)\n```\n"
    )
    assert repository_links.rebased("[a](../README.md) [b](c.md)", "docs") == (
        "[a](readme.md) [b](c.md)"
    )
    guide = repository_links.rebased("[a](guides/own_data.py)", "docs")
    assert guide == "[a](generated/guides/own_data.rst)"


def test_public_names_in_documents_become_links():
    text = "`mimo_keras.report` ``mimo_keras.a`` `a`\n```\n`mimo_keras.b`\n```"
    linked = repository_links.linked(text)
    assert linked == text.replace("`mimo_keras.report`", "{py:obj}" + text[:19])


def test_option_tables_have_every_option_with_its_default():
    made = option_tables.methods()
    for name in registry.list_methods():
        _, _, part = made.partition(f"## {name}\n")
        part = part.partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| `(.*)` \| (.+) \|$", part, re.M)
        defaults = inspect.signature(registry.get(name)).parameters
        assert [(option, value) for option, value, _ in rows] == [
            (option, repr(defaults[option].default))
            for option in registry.options(name)
        ]
        assert "Reference: " in part or name == "deterministic"
        # What a narrow screen needs: see style.css.
        assert (":class: options" in part) == bool(rows)


def test_likelihood_tables_have_every_likelihood_and_option():
    made = option_tables.likelihoods()
    assert re.findall(r"^## (\w+)$", made, re.M) == [*NAMES]
    floor = {f.name: f.default for f in dataclasses.fields(NAMES["gaussian"])}
    assert f"| `floor` | `{floor['floor']!r}` | The least σ. |" in made


def test_reference_lists_every_public_name_once():
    pages = [path.read_text("utf-8") for path in ROOT.glob("docs/api/*.md")]
    listed = re.findall(r"^   (mimo_keras[\w.]+)$", "\n".join(pages), re.M)
    assert len(listed) == len(set(listed))
    found = reference.public().values()
    lost = [names for names in found if {*listed}.isdisjoint(names)]
    assert not lost, "list one name of each in docs/api"
    for name in listed:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def _slug(heading):
    """Returns a heading's anchor, as GitHub makes it."""
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading.lower())
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


@functools.cache
def _anchors(path):
    text = _FENCE.sub("", path.read_text("utf-8"))
    return {_slug(title) for title in re.findall(r"^#+ (.+)$", text, re.M)}


def _broken(path, text):
    """Returns the links of a document that lead nowhere."""
    links = re.findall(
        r"\]\(([^)\s:=]*?)(?:#([^)\s]*))?\)", _FENCE.sub("", text)
    )
    broken = []
    for target, anchor in links:
        there = path.parent / target if target else path
        if not there.exists() or anchor and anchor not in _anchors(there):
            broken.append(f"{path.name}: {target}#{anchor}")
    return broken


def test_links_between_documents_lead_somewhere():
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    documents = [path for path in documents if "generated" not in path.parts]
    found = [_broken(path, path.read_text("utf-8")) for path in documents]
    assert not sum(found, [])


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("docs/devices.md#files-on-other-file-systems", 0),
        ("docs/devices.md#nothing-there", 1),
        ("docs/nothing.md", 1),
    ],
)
def test_a_broken_link_is_found(link, broken):
    assert len(_broken(ROOT / "README.md", f"See [this]({link}).")) == broken


def test_faults_of_a_built_site_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#x">1</a><a href="b.html#y">2</a><a href="c.html">3</a>'
        '<a href="https://d.e">4</a><img src="f.png"><a href="#">5</a>'
        '<script src="https://g.h/i.js"></script>'
    )
    (tmp_path / "b.html").write_text('<p id="x">There</p>')
    found = [line.rpartition(" ")[2] for line in check_site.faults(tmp_path)]
    assert found == ["https://g.h/i.js", "b.html#y", "c.html", "f.png"]


def test_every_guide_ends_with_what_was_seen():
    guides = sorted(ROOT.glob("docs/guides/*.py"))
    assert sorted(figures.ORDER) == [path.stem for path in guides]
    for path in guides:
        last = path.read_text("utf-8").rpartition("# %%\n")[2]
        assert last.startswith("# What was seen\n"), path.name
        assert "analysis" in path.read_text("utf-8"), path.name
