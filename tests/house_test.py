"""The files around the package are true: BUILD, metadata, documents."""

import pathlib
import re

import pytest

import mimo_keras
from tests import documents, house_rules

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = {
    path.relative_to(ROOT).as_posix()
    for folder in house_rules.FOLDERS
    for path in (ROOT / folder).rglob("*.py")
}
README = ROOT / "README.md"


def _targets(build):
    """Evaluates the text of a BUILD file; returns its targets' attributes."""
    targets = []

    def matching(patterns):
        paths = [path for pattern in patterns for path in ROOT.glob(pattern)]
        return {p.relative_to(ROOT).as_posix() for p in paths if p.is_file()}

    def glob(include, exclude=(), allow_empty=False):
        found = matching(include) - matching(exclude)
        assert found or allow_empty, f"glob({include}) finds nothing"
        return sorted(found)

    def rule(kind):
        return lambda **attributes: targets.append({"is": kind, **attributes})

    rules = ("py_binary", "py_library", "py_test")
    others = ("exports_files", "licenses", "load", "package")
    names = {name: rule(name) for name in rules}
    names |= {name: lambda *args, **kwargs: None for name in others}
    exec(compile(build, "BUILD", "exec"), {"glob": glob, **names})
    return targets


def _left_out(build):
    """Returns the sources in no target, and the tests that none runs."""
    targets = _targets(build)
    sources = {source for target in targets for source in target["srcs"]}
    run = {
        argument
        for target in targets
        if target["is"] == "py_test"
        for argument in target["args"]
        if argument in target["srcs"] and target["main"] in target["srcs"]
    }
    tests = {source for source in SOURCES if source.endswith("_test.py")}
    return sorted(SOURCES - sources), sorted(tests - run)


def test_bazel_knows_every_source_and_runs_every_test():
    build = (ROOT / "BUILD").read_text("utf-8")
    assert _left_out(build) == ([], []), "widen a glob in BUILD"


def test_a_source_or_test_that_bazel_leaves_out_is_found():
    build = (ROOT / "BUILD").read_text("utf-8")
    narrower = build.replace('"mimo_keras/**/*.py"', '"mimo_keras/*/*.py"')
    assert "mimo_keras/version.py" in _left_out(narrower)[0]
    narrower = build.replace("tests/**/*_test.py", "tests/*/*_test.py")
    assert "tests/house_test.py" in _left_out(narrower)[1]


def test_bazel_has_a_binary_for_every_script():
    scripts = {
        path
        for path in SOURCES
        if not path.startswith("tests/")
        and '__name__ == "__main__"' in (ROOT / path).read_text("utf-8")
    }
    targets = _targets((ROOT / "BUILD").read_text("utf-8"))
    binaries = {t["main"] for t in targets if t["is"] == "py_binary"}
    assert binaries == scripts, "fix the list of scripts in BUILD"


def test_bazel_targets_depend_on_targets_that_exist():
    targets = _targets((ROOT / "BUILD").read_text("utf-8"))
    names = [f":{target['name']}" for target in targets]
    assert len(names) == len(set(names))
    assert {d for t in targets for d in t.get("deps", [])} <= set(names)


def test_bazel_finds_the_rules_that_build_loads():
    """Every repository that BUILD loads from is a dependency of the module."""
    module = (ROOT / "MODULE.bazel").read_text("utf-8")
    given = []
    names = {
        "bazel_dep": lambda name, version: given.append(name),
        "module": lambda name: None,
        "register_toolchains": lambda *labels: given.extend(labels),
    }
    exec(compile(module, "MODULE.bazel", "exec"), names)
    build = (ROOT / "BUILD").read_text("utf-8")
    loaded = set(re.findall(r'load\("@(\w+)//', build))
    assert loaded == {name for name in given if not name.startswith("@")}
    assert {name[1:].split("/")[0] for name in given if "@" in name} <= loaded


def test_make_runs_every_file_with_cases_of_the_matrix():
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", "")
    [line] = re.findall(r"^MATRIX_TESTS := (.*)$", makefile, re.M)
    places = [ROOT / path for path in line.split()]
    marked = re.compile(r"\bmark\.matrix\b|\bmatrix_if\(")
    files = {
        path
        for path in (ROOT / "tests").rglob("*_test.py")
        if marked.search(path.read_text("utf-8"))
    }
    run = {p for p in files for place in places if p.is_relative_to(place)}
    assert len(files) > 4 and files - run == set()


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/costs.md",
        "docs/devices.md",
        "docs/digits.md",
        "docs/figures.md",
        "docs/imagenet.md",
        "docs/scripts.md",
        "docs/stress.md",
    ],
)
def test_documents_show_commands_that_exist(name):
    found = documents.commands((ROOT / name).read_text("utf-8"))
    assert found, f"no command found in {name}"
    faults = {" ".join(c): documents.faults(c, ROOT) for c in found}
    assert not any(faults.values()), faults


def _cited(text):
    """Returns the first authors in "A et al.", "A and B," and "A, B and C"."""
    name = r"[A-Z][\w-]+"
    others = rf"(?: et al\.|(?:, {name})? and {name}(?:,| \())"
    year = r"(?:19|20)\d\d"
    works = rf"({name}){others}[^;.\"]{{0,90}}{year}"
    return {match[1] for match in re.finditer(works, " ".join(text.split()))}


def _texts():
    """Yields the path and the text of each source and document."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for path in [*documents, *(ROOT / name for name in sorted(SOURCES))]:
        yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def test_references_list_every_work_that_is_cited():
    listed = (ROOT / "docs/references.md").read_text("utf-8")
    lost = {
        f"{path}: {author}"
        for path, text in _texts()
        for author in _cited(text)
        if author not in listed
    }
    assert not lost, f"docs/references.md lacks {sorted(lost)}"


def test_a_citation_is_found():
    text = "Havasi et\nal., ICLR 2021; Guo and Li, On it, ICML 2017; Mr. Li, 9"
    assert _cited(text) == {"Havasi", "Guo"}
    assert _cited('"Accuracy and NLL, by year." 2021') == set()


def test_documents_cite_works_by_name():
    for path, text in _texts():
        assert not house_rules.ABSENT_PAPER.search(text), path


def test_readme_links_the_work_behind_every_method():
    listed = (ROOT / "docs/references.md").read_text("utf-8")
    links = set(re.findall(r"\((https?://[^)]+)\)", listed))
    _, _, text = README.read_text("utf-8").partition("\n## Methods\n")
    table = text[: text.index("\n\n", 2)]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)
    linked = {
        name: any(f"({link})" in row for link in links) for name, row in rows
    }
    # A plain network follows no paper about ensembles.
    wanted = {name: True for name in mimo_keras.list_methods()}
    assert linked == wanted | {"deterministic": False}


def test_documents_show_figures_that_exist():
    for path in [README, *(ROOT / "docs").glob("*.md")]:
        shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", path.read_text("utf-8"))
        lost = [name for name in shown if not (path.parent / name).exists()]
        assert not lost, f"{path.name} shows {lost}"


def test_readme_examples_run(tmp_path):
    text = README.read_text("utf-8")
    assert list(documents.fences(text, {"python"})), "README has no example"
    done = documents.run_examples(text, tmp_path, ROOT)
    assert done.returncode == 0, done.stderr
    accuracy = re.search(r"^Accuracy (0\.\d+)", done.stdout, re.M)[1]
    assert float(accuracy) > 0.92  # "Above 95%", with room for other draws.
    assert len(text.split()) < 900


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("make demo WORKERS=1", ""),
        ("mimo cifar --seed=1", ""),
        (".venv/bin/mimo sweep --base=mimo:3", ""),
        ("mimo no_such", "no such script: no_such"),
        ("mimo plan --nosuch", "no such flag: ['nosuch']"),
        ("make test no_such_target", "no such target: ['no_such_target']"),
        ("python -m pytest tests", ""),
        ("python3 -m no_such_module", "no such module: no_such_module"),
        ("python no_such.py", "no such script: no_such.py"),
        (
            "A=1 .venv/bin/python uncertainty_runs/cifar.py \\\n"
            "  --ensemble_size=3 --nouse_tpu  # M = 3",
            "",
        ),
        (
            "$ python uncertainty_runs/cifar.py \\\n --nosuch --seed=1",
            "no such flag: ['nosuch']",
        ),
    ],
)
def test_a_fault_in_a_command_is_found(line, fault):
    text = f"Words.\n\n```sh\nls  # not ours\n{line}\n```\n"
    [command] = documents.commands(text)
    assert documents.faults(command, ROOT) == fault


def test_an_example_that_fails_is_found_on_its_line(tmp_path):
    text = "```python\na = 1\n```\nWords.\n\n```python\na += 1\na.b\n```\n"
    done = documents.run_examples(text, tmp_path, ROOT)
    assert done.returncode == 1
    assert 'examples.py", line 8' in done.stderr
