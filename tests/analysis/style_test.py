"""One style, no global state, and images that are not blank."""

import base64
import io
import pathlib
import subprocess
import sys

import matplotlib
import matplotlib.image
import numpy as np
import pytest

from mimo_keras import analysis
from mimo_keras.analysis import style
from tests.analysis.made_pictures import png

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Replaces the package, whose other parts may import pyplot.
_ALONE = """
import sys, types
package = types.ModuleType("mimo_keras")
package.__path__ = [sys.argv[1]]
sys.modules["mimo_keras"] = package
import mimo_keras.analysis
heavy = {"matplotlib", "tensorflow", "keras", "PIL", "scipy", "sklearn"}
print(sorted(heavy & set(sys.modules)))
"""


@style.drawn
def _line():
    figure, (axes,) = style.new_figure(3, 2)
    axes.plot([0, 1, 2], [3, 1, 2])
    axes.set(xlabel="two\nlines", ylabel="two\nlines")
    return figure


def _settings():
    """Matplotlib's settings, without the one whose lookup loads pyplot."""
    names = set(matplotlib.rcParams) - {"backend"}
    return {name: matplotlib.rcParams[name] for name in names}


def _pixels(content):
    return matplotlib.image.imread(io.BytesIO(content), format="png")


def test_importing_the_package_imports_nothing_heavy():
    (folder,) = {path.rsplit("/", 1)[0] for path in analysis.__path__}
    command = [sys.executable, "-c", _ALONE, folder]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_png_has_the_asked_size_and_is_not_blank():
    pixels = _pixels(style.image_bytes(_line(), "png", dpi=100))
    assert pixels.shape[:2] == (200, 300)
    assert pixels[..., :3].var() > 1e-3


def test_save_png_writes_the_same_picture_and_nothing_else(tmp_path):
    figure = _line()
    analysis.save_png(figure, tmp_path / "line.png", dpi=100)
    assert [path.name for path in tmp_path.iterdir()] == ["line.png"]
    content = (tmp_path / "line.png").read_bytes()
    expected = _pixels(style.image_bytes(figure, "png", dpi=100))
    np.testing.assert_array_equal(_pixels(content), expected)


def test_save_png_keeps_the_old_file_when_drawing_fails(tmp_path):
    path = tmp_path / "line.png"
    path.write_bytes(b"old")
    with pytest.raises(AttributeError):
        analysis.save_png("no figure", path)
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["line.png"]


@pytest.mark.parametrize(
    ("kind", "start", "content"),
    [
        ("png", "data:image/png;base64,", b"\x89PNG"),
        ("svg", "data:image/svg+xml;base64,", b"<svg"),
    ],
)
def test_data_uri_holds_the_image(kind, start, content):
    address = style.data_uri(_line(), kind)
    assert address.startswith(start)
    assert content in base64.b64decode(address.removeprefix(start))


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_figure_gives_the_same_bytes(kind):
    first = style.image_bytes(_line(), kind)
    assert first == style.image_bytes(_line(), kind)


def test_drawing_leaves_the_settings_and_pyplot_alone():
    loaded = "matplotlib.pyplot" in sys.modules
    with matplotlib.rc_context({"font.size": 33, "svg.hashsalt": "own"}):
        before = _settings()
        style.image_bytes(_line())
        assert _settings() == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_the_look_does_not_depend_on_the_callers_settings():
    usual = style.image_bytes(_line())
    with matplotlib.rc_context({"font.size": 33, "xtick.labelsize": 20}):
        assert style.image_bytes(_line()) == usual


def test_all_that_is_drawn_lies_within_the_figure():
    figure = _line()
    box = figure.get_tightbbox()
    assert 0 <= box.x0 < box.x1 <= 3
    assert 0 <= box.y0 < box.y1 <= 2


def test_a_figure_is_known_by_what_its_file_says():
    assert style.is_figure(style.image_bytes(_line(), "png"))
    # One of an older version says nothing, but has its density.
    assert style.is_figure(png(density=7874))
    for other in (
        png(),
        png(density=2835),
        png(b"Software\0Matplotlib version3.10", density=7874),
        png(b"Comment\0mimo_keras"),
        b"\x89PNG\r\n\x1a\n",
        b"",
        style.image_bytes(_line(), "svg"),
    ):
        assert not style.is_figure(other)


def test_the_pictures_of_the_documents_are_figures():
    for path in (ROOT / "results" / "figures").glob("*.png"):
        assert style.is_figure(path.read_bytes()), path


def test_a_figure_saved_under_other_settings_keeps_its_ticks_and_labels():
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(-2, 1, 400), rng.normal(-1.8, 0.5, 400)
    figure = analysis.ood_histograms({"inverted": (inside, outside)})
    axis = figure.axes[0].yaxis
    ticks = axis.get_majorticklocs()
    with matplotlib.rc_context({"ytick.labelsize": 5}):
        figure.savefig(io.BytesIO())
        np.testing.assert_array_equal(axis.get_majorticklocs(), ticks)
    assert axis.label.get_window_extent().x0 >= 0
