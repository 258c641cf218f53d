"""The numbers of frames, of their classes and of their neighbours."""

import numpy as np
import pytest

from mimo_keras.data import video_frames
from mimo_keras.errors import InputError

GROUPS = ((3,), (), (7, 8))
LABELS = {
    "b/2": [2],
    "b/1": [2, 0],
    "a/5": {1},
    "a/6": [1],
    "unused/1": [0],
}
NEAR = {"b/2": {"b/1": 1}, "a/5": {"a/6": 4}, "a/6": {}}


@pytest.fixture
def found(tmp_path):
    """Four frames of two videos; one is an anchor and a neighbour."""
    for key in LABELS:
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).write_bytes(b"")
    return video_frames.gathered("set", tmp_path, GROUPS, LABELS, NEAR, "Get.")


def test_frames_are_numbered_in_order_and_once(found, tmp_path):
    keys = ["a/5", "a/6", "b/1", "b/2"]
    assert found.frames.paths == tuple(str(tmp_path / key) for key in keys)
    assert (found.frames.name, found.frames.num_classes) == ("set", 3)
    np.testing.assert_array_equal(
        found.right, [[0, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1]]
    )
    np.testing.assert_array_equal(found.frames.labels, [1, 1, 0, 2])
    np.testing.assert_array_equal(found.anchors, [0, 1, 3])
    assert found.groups == GROUPS


@pytest.mark.parametrize(
    ("k", "sets"),
    [
        (0, [[0], [1], [3]]),
        (1, [[0], [1], [3, 2]]),
        (3, [[0], [1], [3, 2]]),
        (4, [[0, 1], [1], [3, 2]]),
    ],
)
def test_the_frames_within_a_distance(found, k, sets):
    for one, other in zip(found.within(k), sets, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.int64


def test_what_is_not_there_is_one_line(found, tmp_path):
    (tmp_path / "a" / "6").unlink()
    with pytest.raises(InputError, match="all frames of set.*no file .*a/6"):
        video_frames.gathered("set", tmp_path, GROUPS, LABELS, NEAR, "Get.")
    with pytest.raises(InputError, match="anchors in set"):
        video_frames.gathered("set", tmp_path, GROUPS, LABELS, {}, "Get.")
