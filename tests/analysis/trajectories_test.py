"""Paths in function space: what is near, and how it is drawn."""

import numpy as np
import pytest

from mimo_keras import analysis
from mimo_keras.errors import InputError


def predictions(times=12):
    """Two members that start alike and end sure of different classes."""
    part = np.linspace(0.5, 1, times)[:, np.newaxis, np.newaxis, np.newaxis]
    first = np.concatenate([part, 1 - part], axis=-1)
    both = np.concatenate([first, first[..., ::-1]], axis=2)
    return np.repeat(both, 6, axis=1)


def test_members_part_on_the_map():
    probabilities = predictions()
    assert probabilities.shape == (12, 6, 2, 2)
    places = analysis.function_space(probabilities)
    assert places.shape == (2, 12, 2)
    start, end = (np.linalg.norm(places[0, t] - places[1, t]) for t in (0, -1))
    assert end > 3 * start
    # Neighbours in time are nearer than the two ends.
    steps = np.linalg.norm(np.diff(places[0], axis=0), axis=-1)
    assert steps.max() < np.linalg.norm(places[0, -1] - places[0, 0])


def test_the_map_is_the_same_again():
    probabilities = predictions(5)
    first, second = (analysis.function_space(probabilities) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_one_time_is_no_way():
    with pytest.raises(InputError, match="trajectory_interval"):
        analysis.function_space(predictions()[:1])


def test_ways_are_drawn_from_first_to_last():
    places = np.arange(2 * 3 * 2).reshape(2, 3, 2)
    figure = analysis.trajectory_plot(places, [0, 5, 10], "MIMO")
    [axes] = figure.axes
    way, start, end = axes.lines[:3]
    np.testing.assert_array_equal(way.get_xydata(), places[0])
    np.testing.assert_array_equal(start.get_xydata()[0], places[0, 0])
    np.testing.assert_array_equal(end.get_xydata()[0], places[0, -1])
    [legend] = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["Member 0", "Member 1", "Epoch 0", "Epoch 10"]
    assert axes.get_title("left") == "MIMO"
