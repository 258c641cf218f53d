"""One's own photographs: which ones, of which class, for which split."""

import pathlib

import pytest

from mimo_keras.data import class_folders
from mimo_keras.errors import InputError
from tests.published_data import write_photographs as write


def found(folder, *options):
    splits, names = class_folders.found(folder, *options)
    places = {
        split: [(path.relative_to(folder).as_posix(), k) for path, k in rows]
        for split, rows in splits.items()
    }
    return places, names


def test_splits_as_they_are(tmp_path):
    write(
        tmp_path,
        *("train/dog/b.jpg", "train/dog/a.JPEG", "train/cat/c/d.png"),
        *("test/dog/e.jpg", "train/.hidden/f.jpg", "train/empty/readme.jpg"),
    )
    (tmp_path / "train/empty/readme.jpg").rename(tmp_path / "train/empty/r.txt")
    splits, names = found(tmp_path, 0.5)
    assert names == ["cat", "dog"]
    assert splits == {
        "train": [
            ("train/cat/c/d.png", 0),
            ("train/dog/a.JPEG", 1),
            ("train/dog/b.jpg", 1),
        ],
        "test": [("test/dog/e.jpg", 1)],
    }
    (tmp_path / "test").rename(tmp_path / "val")
    assert found(tmp_path, 0.5)[0]["test"] == [("val/dog/e.jpg", 1)]


def test_a_share_of_each_class_is_held_out(tmp_path):
    write(tmp_path, *(f"{c}/{i}.png" for c in "ab" for i in range(6)))
    for source in (tmp_path, tmp_path / "in"):
        splits, names = found(source, 1 / 3, 5)
        assert names == ["a", "b"]
        assert [k for _, k in splits["train"]] == [0] * 4 + [1] * 4
        assert [k for _, k in splits["test"]] == [0] * 2 + [1] * 2
        assert len({*splits["train"], *splits["test"]}) == 12
        assert found(source, 1 / 3, 5)[0] == splits
        # The same with a folder of training images only.
        if source == tmp_path:
            (tmp_path / "in" / "train").mkdir(parents=True)
            for name in "ab":
                new = tmp_path / "in" / "train" / name
                (tmp_path / name).rename(new)
    assert found(tmp_path / "in", 1 / 3, 6)[0] != splits


@pytest.mark.parametrize(
    ("names", "share", "message"),
    [
        ([], 0.5, "at least two classes.*0 folders of photographs in"),
        (["a/1.jpg", "a/2.jpg"], 0.5, "1 folders of photographs in"),
        (["a/1.jpg", "b/1.jpg"], 0.1, "others to train on.*test_share=0.1"),
        (["a/1.jpg", "b/1.jpg"], 1.0, "others to train on.*test_share=1.0"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "test/c/1.jpg", "test/a/1.jpg"],
            0.5,
            "classes in the folder train.*the class c in .*test",
        ),
    ],
)
def test_other_folders_are_one_line(tmp_path, names, share, message):
    write(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        class_folders.found(tmp_path, share)


def test_what_is_no_photograph_is_named(tmp_path):
    write(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.jpg")
    (tmp_path / "b/2.jpg").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match="b/2.jpg .neither a JPEG nor a PNG"):
        class_folders.found(tmp_path, 0.5)
    (tmp_path / "b/2.jpg").unlink()
    (tmp_path / "b/2.jpg").symlink_to("nowhere")
    with pytest.raises(InputError, match="photographs that can be read"):
        class_folders.found(tmp_path, 0.5)
    with pytest.raises(InputError, match="no folder .*absent"):
        class_folders.found(pathlib.Path(tmp_path / "absent"), 0.5)
