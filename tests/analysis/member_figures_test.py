"""Heat maps and stems show the members' own numbers."""

import numpy as np
import pytest

from mimo_keras.analysis.member_figures import member_agreement, member_scores
from mimo_keras.errors import InputError
from mimo_keras.evaluation import Results


def test_maps_hold_both_matrices_and_their_values(arrays):
    matrices = arrays["disagreement_matrix"], arrays["kl_matrix"]
    figure = member_agreement(*matrices)
    for axes, matrix in zip(figure.axes, matrices, strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), matrix)
        for text in axes.texts:
            column, row = text.get_position()
            assert text.get_text() == f"{matrix[row, column]:.3f}"
        assert len(axes.texts) == matrix.size


@pytest.mark.parametrize("size", [1, 2, 10])
def test_one_map_with_values_without_kl(size):
    matrix = np.zeros((size, size))
    (axes,) = member_agreement(matrix).axes
    assert len(axes.texts) == size * size
    assert axes.get_title(loc="left").startswith("Disagreement")


def test_many_members_get_a_colour_scale_in_place_of_values():
    matrix = np.arange(144.0).reshape(12, 12)
    axes, scale = member_agreement(matrix).axes
    assert not axes.texts
    assert scale.get_ylim() == (0, 143)


def test_a_matrix_that_is_not_square_is_an_error():
    with pytest.raises(InputError, match=r"shape=\(2, 3\)"):
        member_agreement(np.zeros((2, 3)))


def test_stems_go_from_the_ensemble_to_each_member(results):
    accuracy, nll = member_scores(results).axes
    for axes, values, ensemble in (
        (accuracy, [0.96, 0.9625, 0.97], 0.98125),
        (nll, [0.12, 0.11, 0.1], 0.0712),
    ):
        line, points = axes.lines
        np.testing.assert_allclose(line.get_ydata(), ensemble)
        np.testing.assert_allclose(points.get_xdata(), range(3))
        np.testing.assert_allclose(points.get_ydata(), values)
        stems = np.array(axes.collections[0].get_segments())
        np.testing.assert_allclose(stems[:, 0, 1], ensemble)
        np.testing.assert_allclose(stems[:, 1, 1], values)
        assert [t.get_text() for t in axes.texts] == [
            f"{v:.4f}" for v in values
        ]
    assert accuracy.get_ylabel() == "Accuracy (fraction)"
    assert nll.get_ylabel() == "NLL (nats)"


def test_scores_of_many_members_are_not_written_out():
    members = {i: {"nll": i / 16} for i in range(16)}
    (axes,) = member_scores(Results(members=members)).axes
    assert not axes.texts
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.arange(16) / 16)


def test_no_members_make_an_empty_figure():
    assert len(member_scores(Results()).axes) == 1
