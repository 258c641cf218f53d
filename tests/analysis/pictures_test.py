"""The documents' pictures: each exists, is shown, and is not blank."""

import pathlib
import re

import matplotlib.image
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = sorted(
    {
        (document.parent / name).resolve().relative_to(ROOT).as_posix()
        for document in DOCUMENTS
        for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", document.read_text())
    }
)


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_is_not_empty(name):
    image = matplotlib.image.imread(ROOT / name)
    assert min(image.shape[:2]) > 200
    assert image[..., :3].std() > 0.05


def test_no_picture_lies_there_unseen():
    drawn = (ROOT / "results" / "figures").glob("*.png")
    assert {f"results/figures/{path.name}" for path in drawn} <= {*SHOWN}
