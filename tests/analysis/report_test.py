"""The page has the run's numbers and figures, and loads nothing else."""

import base64
import html.parser
import importlib.metadata
import json
import platform

import numpy as np
import pytest

from mimo_keras.analysis import report_figures, summary, write_report
from mimo_keras.errors import InputError

_VOID = {"meta", "img"}


class _Page(html.parser.HTMLParser):
    """Reads a page strictly: elements must be closed in order."""

    def __init__(self, path):
        super().__init__()
        self.open, self.seen, self.images, self.cells = [], [], [], []
        self.headings = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag == "img":
            self.images.append(dict(attrs))
        if tag in ("td", "th", "li", "dd", "dt"):
            self.cells.append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th", "li", "dd", "dt"):
            self.cells[-1] += data
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


@pytest.fixture
def undrawn(monkeypatch, tmp_path, write_run):
    """The folder of a run whose page gets no figures."""
    monkeypatch.setattr(report_figures, "figures", lambda *_: {})
    return write_run(tmp_path)


def _rewrite(folder, name, content):
    (folder / name).write_text(json.dumps(content))


@pytest.fixture(scope="module")
def path(tmp_path_factory, write_run):
    """The page of a complete run."""
    return write_report(write_run(tmp_path_factory.mktemp("run")))


def test_the_page_has_every_section_and_figure(path):
    page = _Page(path)
    assert page.headings == [
        "MIMO trained on digits",
        *("Quality", "Corruptions", "Members", "Diversity"),
        *("Out of distribution", "Cost", "Training", "Flags", "Libraries"),
    ]
    assert len(page.images) == 7
    captions = [tag for tag, _ in page.seen if tag == "figcaption"]
    assert len(captions) == 7
    for image in page.images:
        assert len(image["alt"]) > 30
        content = image["src"].removeprefix("data:image/svg+xml;base64,")
        assert b"<svg" in base64.b64decode(content, validate=True)


def test_every_table_value_is_on_the_page(path, results):
    cells = _Page(path).cells
    for make in (
        summary.quality,
        summary.members,
        summary.corruptions,
        summary.diversity,
        summary.ood,
        summary.cost,
    ):
        table = make(results)
        flat = [cell for row in (table.columns, *table.rows) for cell in row]
        starts = range(len(cells) - len(flat) + 1)
        assert any(cells[i : i + len(flat)] == flat for i in starts), make
    for value in ("0.9812", "0.6543", "36,492,878", "10.487 G", "0.955"):
        assert value in cells
    assert f"Python {platform.python_version()}" in cells
    assert f"numpy {importlib.metadata.version('numpy')}" in cells


def test_nothing_comes_from_outside(path):
    text = path.read_text()
    assert "http" not in text and "url(" not in text and "@import" not in text
    page = _Page(path)
    assert not {tag for tag, _ in page.seen} & {"script", "link", "iframe", "a"}
    sources = [a["src"] for _, a in page.seen if "src" in a]
    assert all(source.startswith("data:") for source in sources)


def test_the_same_files_give_the_same_page_and_no_leftovers(path):
    first = path.read_bytes()
    assert write_report(str(path.parent)) == path
    assert path.read_bytes() == first
    assert {found.name for found in path.parent.iterdir()} == {
        "results.json",
        "flags.json",
        "metrics.csv",
        "arrays.npz",
        "report.html",
    }


def test_hostile_flags_are_text(path, tmp_path):
    assert "<script" not in path.read_text()
    assert "--output_dir=<script>alert('x')</script>" in _Page(path).cells
    _rewrite(tmp_path, "results.json", {})
    hostile = {"method": "<img src=x>", "dataset": "</title>"}
    _rewrite(tmp_path, "flags.json", hostile)
    page = _Page(write_report(tmp_path))
    assert page.headings[0] == "<img src=x> trained on </title>"
    assert not page.images


def test_a_bare_run_has_a_page_of_what_there_is(tmp_path):
    _rewrite(tmp_path, "results.json", {"test/accuracy": 0.5, "test/nll": None})
    page = _Page(write_report(tmp_path))
    assert page.headings == ["Report of a run", "Quality", "Libraries"]
    assert not page.images
    assert "0.5000" in page.cells and "–" in page.cells


def test_notes_are_about_what_is_on_the_page(path, tmp_path):
    whole = path.read_text("utf-8")
    _rewrite(tmp_path, "results.json", {"test/accuracy": 0.5, "test/nll": 1.0})
    bare = write_report(tmp_path).read_text("utf-8")
    assert "NLL: negative log-likelihood" in whole and bare
    for word in ("ECE", "Brier", "Corrupted", "pooled"):
        assert word in whole and word not in bare
    for word in ("AURC", "Shifted", "Sharing rate", "mCE", "Det.:"):
        assert word not in whole + bare


def test_one_member_one_epoch_and_no_corruptions(tmp_path):
    results = {"test/nll": 1, "test/accuracy_member_0": 0.5}
    _rewrite(tmp_path, "results.json", results)
    (tmp_path / "metrics.csv").write_text("epoch,loss\n0,1.5\n")
    np.savez(tmp_path / "arrays.npz", disagreement_matrix=np.zeros((1, 1)))
    page = _Page(write_report(tmp_path))
    assert page.headings[1:] == ["Quality", "Training", "Libraries"]
    assert len(page.images) == 1


@pytest.mark.parametrize("content", [None, '{"test/nll": 0.0'])
def test_without_whole_results_the_old_page_stays(tmp_path, content):
    (tmp_path / "report.html").write_text("old")
    if content:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match="results.json"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_text() == "old"


def test_an_unfinished_run_says_so_on_its_page(undrawn, results):
    for epoch, told in ((3, True), (200, False)):
        progress = {"training/epoch": epoch, "training/epochs": 200}
        _rewrite(undrawn, "results.json", results.flat() | progress)
        text = write_report(undrawn).read_text("utf-8")
        assert ("unfinished: after epoch 3 of 200" in text) == told


def test_how_many_corrupted_images_is_on_the_page(undrawn, results):
    for value in (1000, 0):
        flat = results.flat() | {"evaluation/corrupted_examples": value}
        _rewrite(undrawn, "results.json", flat)
        text = write_report(undrawn).read_text("utf-8")
        assert ("1,000 images of each" in text) == bool(value)


def test_averaged_logits_are_named_on_the_page(undrawn, results):
    for value in (1, 0):
        flat = results.flat() | {"evaluation/averaged_logits": value}
        _rewrite(undrawn, "results.json", flat)
        text = write_report(undrawn).read_text("utf-8")
        assert ("averages logits" in text) == bool(value)
