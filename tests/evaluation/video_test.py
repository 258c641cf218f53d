"""pm-k accuracy against loops and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.errors import InputError
from mimo_keras.evaluation import video


def by_loops(predicted, right, sets):
    """The twin: an anchor counts if no frame of it has a wrong prediction."""
    count = 0
    for frames in sets:
        count += all(right[frame][predicted[frame]] for frame in frames)
    return count / len(sets)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_agrees_with_loops_and_falls_with_the_distance(seed, anchors):
    draw = np.random.default_rng(seed)
    right = draw.random((40, 3)) < 0.8
    predicted = draw.integers(0, 3, 40)
    sets = {}
    order = [draw.permutation(40) for _ in range(anchors)]
    for k in (0, 2, 5):
        sets[k] = tuple(frames[: 2 * k + 1] for frames in order)
    found = video.pm_results(predicted, right, sets)
    assert list(found) == [f"accuracy_pm_{k}" for k in (0, 2, 5)]
    for k, value in zip((0, 2, 5), found.values(), strict=True):
        assert value == pytest.approx(by_loops(predicted, right, sets[k]))
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_case_by_hand():
    # Frame 1 has two right classes; frame 3 is predicted wrong.
    right = [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 0]]
    predicted = [0, 2, 1, 2, 0]
    sets = {
        0: ([0], [2], [4]),
        1: ([0, 1], [2, 3], [4]),
    }
    found = video.pm_results(predicted, np.array(right, bool), sets)
    assert found == {
        "accuracy_pm_0": pytest.approx(2 / 3),
        "accuracy_pm_1": pytest.approx(1 / 3),
    }


def test_frames_without_a_prediction_are_left_out():
    """Anchor 0 keeps one neighbour of two; anchor 3 is left out itself."""
    right = np.eye(2, dtype=bool)[[0, 0, 0, 1, 1]]
    predicted = np.array([0, -1, 0, -1, 0])
    sets = {1: ([0, 1, 2], [3, 4], [4, 0])}
    found = video.pm_results(predicted, right, sets)
    assert found == {"accuracy_pm_1": 0.5}
    predicted[:] = -1
    with pytest.raises(InputError, match="at least one anchor"):
        video.pm_results(predicted, right, sets)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ((), "at least one anchor"),
        (([0], []), r"sizes of sets=\[1, 0\]"),
        (([0, 3],), "frames=0 to 3"),
        (([-1],), "frames=-1 to -1"),
    ],
)
def test_wrong_sets_are_one_line(sets, message):
    with pytest.raises(InputError, match=message):
        video.pm_accuracy(np.array([True, False, True]), sets)


def test_too_few_predictions_are_one_line():
    with pytest.raises(InputError, match="each of 3 frames"):
        video.pm_results([0, 1], np.ones((3, 2), bool), {0: ([0],)})
