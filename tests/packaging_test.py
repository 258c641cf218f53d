"""The package's metadata is true, for a wheel that works without a checkout."""

import ast
import datetime
import importlib.metadata
import pathlib
import re
import runpy
import sys
import tomllib

import pytest
import setuptools
from packaging.requirements import Requirement

from mimo_keras import extras
from mimo_keras.version import __version__
from tests import house_rules

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ("mimo_keras", "uncertainty_runs")
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
}
# Import name -> distribution, where they differ.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "absl": "absl-py",
    "array_record": "tensorflow-datasets",
    "requests": "tensorflow-datasets",
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
}


@pytest.fixture
def pyproject():
    """The tables of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture
def setup(monkeypatch):
    """What setup.py defines, and under "given" what it passes on."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    return runpy.run_path(str(ROOT / "setup.py")) | {"given": given}


def test_setup_adds_only_the_readme(setup, pyproject):
    kinds = {"long_description", "long_description_content_type"}
    assert setup["given"].keys() == kinds
    assert setup["given"]["long_description_content_type"] == "text/markdown"
    assert {*pyproject["project"]["dynamic"]} == {"readme", "version"}


def test_the_package_shows_no_link_into_the_repository(setup):
    text = setup["given"]["long_description"]
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links and all(link.startswith("https://") for link in links)
    rest = re.sub(r"\S*\]\(\S+\)|\([\w/.]+\)", "", text)
    assert "```python\nimport keras" in rest and "docs/library.md" in rest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a.md](a.md) [b\nc](d.md#e)", "a.md b\nc (d.md)"),
        ("![A figure](a/b.png)", "A figure (a/b.png)"),
        ("[a](https://b.c/d#e)", "[a](https://b.c/d#e)"),
    ],
)
def test_links_into_the_repository_become_words(setup, text, expected):
    assert setup["described"](text) == expected


def test_every_folder_of_the_packages_is_packed(pyproject):
    folders = {path.rpartition("/")[0] for path in FILES}
    wanted = pyproject["tool"]["setuptools"]["packages"]["find"]
    packed = setuptools.find_packages(str(ROOT), **wanted)
    assert sorted(packed) == sorted(f.replace("/", ".") for f in folders)
    assert all(f"{folder}/__init__.py" in FILES for folder in folders)


def test_the_version_is_the_packages(pyproject):
    place = pyproject["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    module, _, name = place.rpartition(".")
    assert getattr(importlib.import_module(module), name) == __version__
    texts = [
        path.read_text("utf-8") for path in ROOT.glob("mimo_keras/**/*.py")
    ]
    assert sum(f'"{__version__}"' in text for text in texts) == 1


def test_the_changelog_begins_with_what_is_unreleased():
    """Then come the versions, from ours down, each with its date."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, *released = re.findall(r"^## (.+)$", text, re.M)
    assert first == "Unreleased"
    named = [re.fullmatch(r"(\d+\.\d+\.\d+) \((.+)\)", x) for x in released]
    assert [found[1] for found in named][0] == __version__
    versions = [tuple(map(int, found[1].split("."))) for found in named]
    days = [datetime.date.fromisoformat(found[2]) for found in named]
    assert versions == sorted({*versions}, reverse=True)
    assert days == sorted(days, reverse=True)


def _distributions(names):
    return {DISTRIBUTIONS.get(name, name) for name in names}


def _imported(package):
    """Returns the distributions that a package's code imports."""
    names = {
        name.split(".")[0]
        for path, text in FILES.items()
        if path.startswith(f"{package}/")
        for _, name in house_rules.Source(path, text).imports()
    }
    return _distributions(names - {*sys.stdlib_module_names, *PACKAGES})


def _requirements(pyproject, *names):
    """Yields the requirements of an install with some extras."""
    project = pyproject["project"]
    lines = [*project["dependencies"]]
    for name in names:
        lines += project["optional-dependencies"][name]
    for requirement in map(Requirement, lines):
        yield requirement
        if requirement.name == project["name"]:
            yield from _requirements(pyproject, *requirement.extras)


def _required(pyproject, *names):
    found = {each.name for each in _requirements(pyproject, *names)}
    return found - {pyproject["project"]["name"]}


def test_what_code_imports_is_required(pyproject):
    """Scripts need no extra; the library asks for its own where it is used."""
    every = _required(pyproject, *extras.PACKAGES, "onnx")
    assert not _imported("mimo_keras") - every
    assert not _imported("uncertainty_runs") - _required(pyproject)
    assert _required(pyproject, "data") < _required(pyproject, "test")


def test_extras_are_what_the_library_takes_them_for(pyproject):
    plain = _required(pyproject)
    for extra, packages in extras.PACKAGES.items():
        more = _required(pyproject, extra) - plain
        assert _distributions(packages) == more, extra


def _unnamed(path, text):
    """Returns the imports that do not name their extra where it is missing."""
    source = house_rules.Source(path, text)
    covered = {
        (node.lineno, package)
        for block in source.nodes
        if isinstance(block, ast.With)
        for extra, packages in extras.PACKAGES.items()
        if f"extras.needed('{extra}')" == ast.unparse(block.items[0])
        for node in block.body
        for package in packages
    }
    everything = {name for names in extras.PACKAGES.values() for name in names}
    found = [(line, name.split(".")[0]) for line, name in source.imports()]
    return [x for x in found if x[1] in everything and x not in covered]


def test_the_library_names_the_extra_of_what_it_imports():
    library = [path for path in FILES if path.startswith("mimo_keras/")]
    assert not {
        p: _unnamed(p, FILES[p]) for p in library if _unnamed(p, FILES[p])
    }


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("import tensorflow_datasets", 1),
        ("with extras.needed('runs'):\n    import tensorflow_datasets", 1),
        ("with extras.needed('data'):\n    import tensorflow_datasets", 0),
        ("from tensorflow_datasets.core import file_adapters", 1),
        ("import scipy", 0),
    ],
)
def test_an_import_without_its_extra_is_found(text, faults):
    assert len(_unnamed("mimo_keras/data/a.py", text)) == faults


def test_commands_that_are_installed_exist(pyproject):
    for place in pyproject["project"]["scripts"].values():
        module, _, name = place.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_what_is_required_is_installed(pyproject):
    """So the ranges include the tested versions, and names are spelt right."""
    for requirement in _requirements(pyproject, "test"):
        version = importlib.metadata.version(requirement.name)
        assert requirement.specifier.contains(version), requirement


def test_makefile_takes_the_python_that_the_project_takes(pyproject):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lowest, beyond = re.search(
        r"\((\d+, \d+)\) <= sys\.version_info < \((\d+, \d+)\)", makefile
    ).groups()
    assert pyproject["project"]["requires-python"] == (
        f">={lowest.replace(', ', '.')},<{beyond.replace(', ', '.')}"
    )
