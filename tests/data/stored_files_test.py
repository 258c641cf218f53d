"""A digest changes with the files of a set, and with no others."""

import os

import pytest

from mimo_keras import data
from mimo_keras.data import stored_files

SET = "natural/objectnet"


@pytest.fixture
def folder(tmp_path):
    """The folder of ObjectNet in a folder of data."""
    found = tmp_path / "objectnet-1.0" / "images"
    found.mkdir(parents=True)
    for name in "ab":
        (found / f"{name}.png").write_text(name)
    (tmp_path / "imagenet_a").mkdir()
    (tmp_path / "imagenet_a" / "1").write_text("1")
    return found


def digest(folder, name=SET, dataset="imagenet2012"):
    return stored_files.digest(dataset, name, folder.parents[1])


def add(folder):
    (folder / "c.png").write_text("c")


def remove(folder):
    (folder / "a.png").unlink()


def rename(folder):
    (folder / "a.png").rename(folder / "c.png")


def replace(folder):
    """By a file of the same size, as when a damaged record is repaired."""
    before = (folder / "a.png").stat()
    (folder / "a.png").write_text("x")
    os.utime(folder / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def grow(folder):
    before = (folder / "a.png").stat()
    (folder / "a.png").write_text("aa")
    os.utime(folder / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))


def empty(folder):
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("change", [add, remove, rename, replace, grow, empty])
def test_a_change_of_any_file_is_seen(folder, change):
    before = digest(folder)
    others = digest(folder, "natural/imagenet_a"), digest(folder, "test")
    assert digest(folder) == before
    change(folder)
    assert digest(folder) != before
    # Those of other sets are as they were.
    assert others == (
        digest(folder, "natural/imagenet_a"),
        digest(folder, "test"),
    )


def test_links_are_followed_but_not_in_circles(folder):
    before = digest(folder)
    (folder / "up").symlink_to(folder.parent)
    (folder / "gone.png").symlink_to("nothing")
    assert digest(folder) != before
    elsewhere = folder.parents[1] / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = digest(folder)
    (elsewhere / "a.png").write_text("another")
    assert digest(folder) != before


def test_without_a_folder_it_is_that_of_tfds(folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder.parents[1]))
    found = stored_files.digest("imagenet2012", SET)
    assert found == digest(folder)


def test_digits_are_everywhere():
    names = ("test", "validation", "corrupted/fog_1", "ood/sample_images")
    for name in names:
        assert stored_files.digest("digits", name) is None


@pytest.mark.parametrize("dataset", sorted({*data.DATASETS} - {"digits"}))
def test_every_part_of_a_suite_has_its_folders(dataset, folder):
    record = data.get(dataset)
    names = ["test", "validation", "shifted/rotation_1"]
    names += ["corrupted/fog_1"] if record.corruptions else []
    offline = ("digits", "sample_images")  # They come with scikit-learn.
    foreign = [n for n in record.out_of_distribution if n not in offline]
    names += [f"ood/{name}" for name in foreign]
    names += [f"natural/{name}" for name in record.natural]
    for name in names:
        before = digest(folder, name, dataset)
        part = "test" if name[:3] in ("val", "shi") else name
        known = record.folders
        at = known[part] if part in known else known[part.split("/")[0]]
        for place in at:
            path = folder.parents[1] / place / "1.0" / "new"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
            assert digest(folder, name, dataset) != before
            path.unlink()


def test_of_a_suite_only_the_set_that_changed_is_another(folder):
    home = folder.parents[1] / "imagenet2012_corrupted"
    names = ("corrupted/fog_1", "corrupted/fog_2")
    for name in names:
        path = home / name.removeprefix("corrupted/") / "1.0" / "records"
        path.parent.mkdir(parents=True)
        path.write_text(name)
    before = [digest(folder, name) for name in names]
    path.write_text("another")
    after = [digest(folder, name) for name in names]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
