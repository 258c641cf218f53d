"""ImageNet-Vid-Robust in its authors' layout, whole and damaged."""

import json
import os

import numpy as np
import pytest

from mimo_keras.data import imagenet_vid_robust
from mimo_keras.errors import AbsentError, InputError
from tests.published_data import (
    CONTENT,
    VIDEO,
    copied,
    write_imagenet_vid_robust,
)


@pytest.fixture(params=["", "imagenet_vid_ytbb_robust"])
def home(tmp_path, request):
    return write_imagenet_vid_robust(tmp_path / request.param)


def test_frames_classes_and_neighbours(home, tmp_path):
    found = imagenet_vid_robust.load(tmp_path)
    assert found.frames.name == "imagenet_vid_robust"
    assert found.frames.paths == tuple(
        str(home / key) for key in CONTENT["metadata/labels.json"]
    )
    assert found.groups == ((404,), (351, 353), (294,))
    np.testing.assert_array_equal(
        found.right, [[0, 1, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]]
    )
    np.testing.assert_array_equal(found.anchors, [1, 3])
    sets = {k: [s.tolist() for s in found.within(k)] for k in (0, 3, 9, 10)}
    assert sets == {
        0: [[1], [3]],
        3: [[1, 2], [3]],
        9: [[1, 2], [3]],
        10: [[1, 0, 2], [3]],
    }


def test_frames_on_another_file_system(home, tmp_path, ram):
    copied(tmp_path, ram)
    found = imagenet_vid_robust.load(str(ram), size=4)
    wanted = imagenet_vid_robust.load(tmp_path, size=4)
    np.testing.assert_array_equal(found.right, wanted.right)
    batches = [
        [*frames.evaluation_batches(9)]
        for frames in (found.frames, wanted.frames)
    ]
    np.testing.assert_array_equal(batches[0][0][0], batches[1][0][0])


def test_frames_are_read_in_their_order(home, tmp_path):
    found = imagenet_vid_robust.load(tmp_path, size=4)
    batches = list(found.frames.evaluation_batches(3))
    assert [images.shape for images, _ in batches] == [
        (3, 4, 4, 3),
        (1, 4, 4, 3),
    ]
    # The first of several correct classes.
    np.testing.assert_array_equal(
        np.concatenate([labels for _, labels in batches]), [1, 1, 0, 2]
    )


def test_without_the_folder_the_error_says_how_to_get_it(tmp_path):
    for data_dir in (None, tmp_path):
        with pytest.raises(AbsentError, match="_robust.tar.gz") as caught:
            imagenet_vid_robust.load(data_dir)
        assert "\n" not in str(caught.value)
        assert "that data_dir names" in str(caught.value)


LABELS, PMSETS = "metadata/labels.json", "metadata/pmsets.json"
OWN, IMAGENET = list(CONTENT)[2:4]
MAP = "misc/rev_wnid_map.json"
FRAME = f"{VIDEO}/000432.JPEG"


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize(
    ("file", "entry", "value", "message"),
    [
        (LABELS, FRAME, [3], "000432.JPEG', \\[3\\].*labels.json"),
        (LABELS, FRAME, [-1], "000432.JPEG', \\[-1\\].*labels.json"),
        (LABELS, FRAME, [], "000432.JPEG', \\[\\].*labels.json"),
        (LABELS, FRAME, 1, "000432.JPEG', 1.*labels.json"),
        (LABELS, FRAME, ["1"], "from 0 to 2.*labels.json"),
        (PMSETS, FRAME, [FRAME[:-1]], "000432.JPE in .*pmsets.json"),
        (PMSETS, "val/a/000001.JPEG", [], "000001.JPEG in .*pmsets.json"),
        (PMSETS, FRAME, FRAME, "a list of frames.*pmsets.json"),
        (OWN, "3", ["n01503061", "bird"], "no class 3.*rev_wnid_map.json"),
        (OWN, "9", ["n01503061", "bird"], "'9'.*imagenet_vid_class_index"),
        (OWN, "0", "airplane", "'airplane'.*imagenet_vid_class_index"),
        (IMAGENET, "1000", ["n0", "a"], "'1000'.*imagenet_class_index"),
        (IMAGENET, "404", [], "'404'.*imagenet_class_index"),
        (MAP, "n02131653", ["n02132137"], "n02132137.*rev_wnid_map"),
        (MAP, "n02131653", [], "n02131653', \\[\\].*rev_wnid_map"),
        (MAP, "n00000000", ["n02132136"], "n00000000.*rev_wnid_map"),
    ],
)
def test_a_wrong_entry_is_named_in_one_line(home, file, entry, value, message):
    content = json.loads((home / file).read_text())
    (home / file).write_text(json.dumps(content | {entry: value}))
    with pytest.raises(InputError, match=message) as caught:
        imagenet_vid_robust.load(home.parent)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, AbsentError)


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize("file", [*CONTENT, FRAME])
def test_a_missing_file_is_named_in_one_line(home, file):
    (home / file).unlink()
    with pytest.raises(InputError, match=f"no file .*{file}") as caught:
        imagenet_vid_robust.load(home.parent)
    assert not isinstance(caught.value, AbsentError)


@pytest.mark.parametrize("home", [""], indirect=True)
def test_frames_without_numbers_are_one_line(home):
    for file in (LABELS, PMSETS):
        text = (home / file).read_text()
        (home / file).write_text(text.replace("000432", "first"))
    with pytest.raises(InputError, match="numbered frames.*first.JPEG"):
        imagenet_vid_robust.load(home.parent)


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("val/../../../000432", r"frames in .*\.\./000432.JPEG in .*pmsets"),
        ("{root}/000432", "frames in .*/000432.JPEG in .*pmsets"),
        ("val/" + "4" * 200, "numbered frames.*444.* in .*pmsets"),
        ("val/" + "4" * 5000, "numbered frames.*444.* in .*pmsets"),
    ],
)
def test_frames_elsewhere_or_with_endless_numbers_are_one_line(
    home, name, message
):
    """A file in the folder above would be read, were it not refused."""
    name = name.format(root=home.parent)
    (home.parent / "000432.JPEG").write_bytes((home / FRAME).read_bytes())
    for file in (LABELS, PMSETS):
        text = (home / file).read_text()
        (home / file).write_text(text.replace(FRAME[:-5], name))
    with pytest.raises(InputError, match=message) as caught:
        imagenet_vid_robust.load(home.parent)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize("file", [*CONTENT, FRAME])
def test_a_pipe_or_a_device_is_named_in_one_line(home, file):
    (home / file).unlink()
    os.mkfifo(home / file)
    with pytest.raises(InputError, match=f"{file} .a pipe, not a regular"):
        imagenet_vid_robust.load(home.parent)
    (home / file).unlink()
    (home / file).symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"{file} .a device, not a regular"):
        imagenet_vid_robust.load(home.parent)
