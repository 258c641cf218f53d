"""YTBB-Robust in its authors' layout, whole and damaged."""

import json
import os

import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.data import ytbb_robust
from mimo_keras.errors import AbsentError, InputError

NAMES = {22: "none", 23: "car", 3: "boat", 14: "skateboard", 19: "dog"}
CLASSES = {str(i): NAMES.get(i, f"class {i}") for i in range(24)}
ANCHOR_LABELS = ["good", "unsure", "bad", "car", "boat", "skateboard", "dog"]
PAIR_LABELS = ["similar", "correct", *ytbb_robust.UNLIKE]
SIMILAR, CORRECT, BLURRED = 0, 1, PAIR_LABELS.index("blur-increase")
BAD_ANCHOR = PAIR_LABELS.index("bad-anchor")

DOG, CAR, SKATE = "aA_-1_100/frame-12.jpg", "b_7/frame-3.jpg", "c_9/frame-5.jpg"
BAD, UNSURE, NOT_GOOD = (f"{x}_1/frame-1.jpg" for x in "def")
FRONT = "/home/someone/anchors/"


def beside(anchor, number):
    return f"{anchor.split('/')[0]}/frame-{number}.jpg"


def annotated(names, *entries):
    return {
        "labels": names,
        "annotations": [
            {"key": key, "notes": "", "labels": labels}
            for key, labels in entries
        ],
    }


CONTENT = {
    "ytbb_class_index.json": CLASSES,
    "rev_class_idx_map.json": {"3": [554, 472], "19": [151], "23": [407]},
    "anchor_labels.json": annotated(
        ANCHOR_LABELS,
        (FRONT + DOG, [2]),
        (DOG, [0, 4]),
        (FRONT + CAR, [0]),
        (SKATE, [0, 5]),
        (BAD, [0]),
        (UNSURE, [0, 1]),
        (NOT_GOOD, [3]),
    ),
    "pmk_labels.json": annotated(
        PAIR_LABELS,
        (f"{DOG},{beside(DOG, 11)}", [SIMILAR]),
        (f"{DOG},{beside(DOG, 13)}", [SIMILAR, BLURRED]),
        (f"{DOG},{beside(DOG, 14)}", [CORRECT]),
        (f"{DOG},{beside(DOG, 22)}", [SIMILAR, CORRECT]),
        (f"{DOG},{beside(DOG, 23)}", [SIMILAR]),
        (f"{FRONT}{CAR},/elsewhere/{beside(CAR, 1)}", [SIMILAR]),
        (f"{BAD},{beside(BAD, 2)}", [BAD_ANCHOR]),
    ),
}
# In this file 22 is "car" and 23 "none".
ANCHORS = "ytid,time_ms,label\naA_-1,100,19\nb,7,22\nc,9,14\nd,1,0\ne,1,0\n"
CSV = "ytbb_robustness_test_anchors_full.csv"
FRAMES = [
    beside(DOG, 11),
    DOG,
    beside(DOG, 22),
    beside(CAR, 1),
    CAR,
    SKATE,
]


@pytest.fixture(params=["", "imagenet_vid_ytbb_robust"])
def home(tmp_path, request):
    """A small set of three good anchors."""
    home = tmp_path / request.param
    metadata = home / "ytbb-robust_metadata"
    metadata.mkdir(parents=True)
    for name, content in CONTENT.items():
        (metadata / name).write_text(json.dumps(content))
    (metadata / CSV).write_text(ANCHORS)
    jpeg = tf.io.encode_jpeg(np.zeros((8, 8, 3), np.uint8)).numpy()
    for key in FRAMES:
        path = home / "ytbb-robust" / "ytbb_videos" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
    return home


def test_frames_classes_and_neighbours(home, tmp_path):
    found = ytbb_robust.load(tmp_path)
    videos = home / "ytbb-robust" / "ytbb_videos"
    assert found.frames.name == "ytbb_robust"
    assert found.frames.paths == tuple(str(videos / key) for key in FRAMES)
    assert len(found.groups) == 24
    assert {i: g for i, g in enumerate(found.groups) if g} == {
        3: (472, 554),
        19: (151,),
        23: (407,),
    }
    # The dog's frames also show a boat, according to the annotators.
    right = [np.flatnonzero(row).tolist() for row in found.right]
    assert right == [[3, 19]] * 3 + [[23]] * 2 + [[14]]
    np.testing.assert_array_equal(found.anchors, [1, 4, 5])
    sets = {k: [s.tolist() for s in found.within(k)] for k in (0, 1, 2, 10)}
    assert sets == {
        0: [[1], [4], [5]],
        1: [[1, 0], [4], [5]],
        2: [[1, 0], [4, 3], [5]],
        10: [[1, 0, 2], [4, 3], [5]],
    }


@pytest.mark.parametrize("home", [""], indirect=True)
def test_a_damaged_frame_is_named(home):
    path = home / "ytbb-robust" / "ytbb_videos" / CAR
    path.write_bytes(path.read_bytes()[:30])
    frames = ytbb_robust.load(home, size=4).frames
    with pytest.raises(InputError, match=f"{CAR}, record 4"):
        list(frames.evaluation_batches(2))


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize("folder", ["ytbb-robust", "ytbb-robust_metadata"])
def test_without_a_folder_the_error_says_how_to_get_it(home, folder):
    (home / folder).rename(home / "elsewhere")
    with pytest.raises(AbsentError, match=f"no folder .*/{folder}") as caught:
        ytbb_robust.load(home)
    assert "\n" not in str(caught.value)
    assert "_robust.tar.gz" in str(caught.value)
    assert "modestyachts/imagenet-testbed" in str(caught.value)
    with pytest.raises(AbsentError, match="data_dir=None"):
        ytbb_robust.load(None)


def with_annotation(file, entry):
    content = CONTENT[file]
    return content | {"annotations": [*content["annotations"], entry]}


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("ytbb_class_index.json", CLASSES | {"24": 3}, "'24', 3"),
        ("ytbb_class_index.json", CLASSES | {"30": "x"}, "'30', 'x'"),
        ("ytbb_class_index.json", CLASSES | {"24": "car"}, "a name for each"),
        ("rev_class_idx_map.json", {"24": [1]}, "'24', "),
        ("rev_class_idx_map.json", {"3": [1000]}, "1000"),
        ("rev_class_idx_map.json", {"3": 7}, "'3', 7"),
        ("anchor_labels.json", {"annotations": []}, "labels: None"),
        ("anchor_labels.json", annotated(["good", "bad"]), "good, bad, unsure"),
        ("anchor_labels.json", {"labels": ANCHOR_LABELS}, "None in"),
        ("pmk_labels.json", annotated(PAIR_LABELS[1:]), "with similar, dis"),
    ]
    + [
        (file, with_annotation(file, entry), message)
        for file, entry, message in (
            ("anchor_labels.json", {"key": DOG, "labels": [7]}, "from 0 to 6"),
            ("anchor_labels.json", {"key": DOG, "labels": 0}, "'labels': 0"),
            ("anchor_labels.json", {"key": 3, "labels": [0]}, "'key': 3"),
            ("anchor_labels.json", {"key": "a_1", "labels": [0]}, "'a_1'"),
            ("anchor_labels.json", {"key": NOT_GOOD, "labels": [0]}, "f_1"),
            ("anchor_labels.json", "good", "good in"),
            (
                "anchor_labels.json",
                {"key": "../frame-1.jpg", "labels": [0]},
                r"\.\./frame-1.jpg",
            ),
            (
                "anchor_labels.json",
                {"key": f"a/frame-{'1' * 200}.jpg", "labels": [0]},
                "frame-111",
            ),
            (
                "anchor_labels.json",
                {"key": f"a/frame-{'1' * 5000}.jpg", "labels": [0]},
                "frame-111",
            ),
            ("pmk_labels.json", {"key": DOG, "labels": [0]}, "a key of 2"),
            (
                "pmk_labels.json",
                {"key": f"{DOG},aA_-1_100/12.png", "labels": [0]},
                "12.png",
            ),
        )
    ],
)
def test_a_wrong_entry_is_named_in_one_line(home, file, content, message):
    (home / "ytbb-robust_metadata" / file).write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as caught:
        ytbb_robust.load(home)
    assert "\n" not in str(caught.value)
    assert file in str(caught.value)
    assert not isinstance(caught.value, AbsentError)


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize(
    "line",
    ["g,1,24", "g,1,-1", "g,1", "g,,3", ",1,3", "g" * 200000],
    ids=lambda line: line[:9],
)
def test_a_wrong_line_of_the_anchors_is_named(home, line):
    path = home / "ytbb-robust_metadata" / CSV
    path.write_text(ANCHORS + line + "\n")
    with pytest.raises(InputError, match=f"line 7 .*in .*{CSV}"):
        ytbb_robust.load(home)


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize(
    "file",
    [f"ytbb-robust_metadata/{name}" for name in (*CONTENT, CSV)]
    + [f"ytbb-robust/ytbb_videos/{beside(DOG, 22)}"],
)
def test_a_missing_file_is_named_in_one_line(home, file):
    (home / file).unlink()
    with pytest.raises(InputError, match=f"no file .*{file}") as caught:
        ytbb_robust.load(home)
    assert not isinstance(caught.value, AbsentError)


@pytest.mark.parametrize("home", [""], indirect=True)
@pytest.mark.parametrize(
    "file",
    [f"ytbb-robust_metadata/{name}" for name in (*CONTENT, CSV)]
    + [f"ytbb-robust/ytbb_videos/{beside(DOG, 22)}"],
)
def test_a_pipe_is_named_in_one_line(home, file):
    (home / file).unlink()
    os.mkfifo(home / file)
    with pytest.raises(InputError, match=f"{file} .a pipe, not a regular"):
        ytbb_robust.load(home)
