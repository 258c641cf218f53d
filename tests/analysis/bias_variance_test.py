"""The split: by hand, as an identity, and against known parts."""

import numpy as np
import pytest
from hypothesis import given, strategies
from hypothesis.extra import numpy as arrays

from mimo_keras import analysis
from mimo_keras.errors import InputError

NUMBERS = strategies.floats(-4, 4, width=32)


def estimates(predictions, means, noise=0.0):
    values = analysis.bias_variance(predictions, means, noise)
    return {name: value.mean() for name, value in values.items()}


def test_a_split_by_hand():
    """Errors 1, 2, 3 at one input and 0, 0, 3 at the other."""
    means = np.array([10.0, 20.0])
    predictions = means + [[1, 0], [2, 0], [3, 3]]
    found = estimates(predictions, means, noise=[0.5, 1.5])
    # Pairs of different sets: (2 + 3 + 6) / 3 and 0.
    assert found["bias2"] == pytest.approx((11 / 3 + 0) / 2)
    # Sample variances 1 and 3.
    assert found["variance"] == pytest.approx((1 + 3) / 2)
    # Squares 1, 4, 9 and 0, 0, 9, and the noise.
    assert found["error"] == pytest.approx((14 / 3 + 9 / 3) / 2 + 1)


@given(
    arrays.arrays(
        "float64",
        strategies.tuples(strategies.integers(3, 6), strategies.integers(1, 4)),
        elements=NUMBERS,
    ),
    strategies.floats(0, 3),
)
def test_the_parts_sum_to_the_error(predictions, noise):
    means = np.linspace(-1, 1, predictions.shape[1])
    values = analysis.bias_variance(predictions, means, noise)
    parts = values["bias2"] + values["variance"] + noise
    np.testing.assert_allclose(values["error"], parts, atol=1e-9)
    found = {name: value.mean() for name, value in values.items()}
    error = np.square(predictions - means).mean() + noise
    variance = predictions.var(axis=0, ddof=1).mean()
    plain = np.square(predictions.mean(axis=0) - means).mean()
    bias2 = plain - variance / len(predictions)
    np.testing.assert_allclose(
        [found["error"], found["variance"], found["bias2"]],
        [error, variance, bias2],
        atol=1e-9,
    )


def test_values_are_the_jackknifes_leaving_out_one_set_at_a_time():
    draw = np.random.default_rng(0)
    predictions, means = draw.normal(size=(7, 5)), draw.normal(size=5)
    values = analysis.bias_variance(predictions, means, 0.25)
    whole = estimates(predictions, means, 0.25)
    for left_out in range(7):
        rest = estimates(np.delete(predictions, left_out, 0), means, 0.25)
        for name in ("bias2", "variance", "error"):
            np.testing.assert_allclose(
                values[name][left_out],
                7 * whole[name] - 6 * rest[name],
                atol=1e-12,
            )


def simulated(sets, studies):
    """Many studies of predictions whose parts are known."""
    draw = np.random.default_rng(1)
    bias, scale = np.array([0.5, -1.0, 0.0]), np.array([1.0, 2.0, 0.5])
    for _ in range(studies):
        yield bias + scale * draw.normal(size=(sets, 3))


def test_estimates_are_unbiased_with_few_sets():
    known = {"bias2": 1.25 / 3, "variance": 5.25 / 3, "error": 6.5 / 3 + 0.1}
    found = [
        estimates(predictions, np.zeros(3), 0.1)
        for predictions in simulated(sets=4, studies=4000)
    ]
    for name, value in known.items():
        each = np.array([one[name] for one in found])
        error = each.std() / np.sqrt(len(each))
        assert abs(each.mean() - value) < 4 * error
        # The plain bias would be off by 5.25 / 3 / 4: that would show.
        assert 10 * error < 5.25 / 3 / 4


def test_intervals_hold_what_they_should_as_often_as_they_should():
    known = {"bias2": 1.25 / 3, "variance": 5.25 / 3, "error": 6.5 / 3}
    held = dict.fromkeys(known, 0)
    for predictions in simulated(sets=100, studies=1000):
        values = analysis.bias_variance(predictions, np.zeros(3))
        for name, value in known.items():
            mean, half = analysis.normal_interval(values[name])
            held[name] += abs(mean - value) <= half
    for name, count in held.items():
        # With 100 sets they contain it about 930 times, over other seeds too.
        assert 910 <= count <= 980, name


def test_an_interval_by_hand():
    # Standard deviation 2, standard error 2 / √4.
    values = np.array([1.0, 1.0, 1.0, 5.0])
    assert analysis.normal_interval(values) == pytest.approx((2.0, 1.96))


@pytest.mark.parametrize("shape", [(5,), (2, 4), (3, 5)])
def test_bad_shapes(shape):
    with pytest.raises(InputError, match="S >= 3 training sets"):
        analysis.bias_variance(np.zeros(shape), np.zeros(4))


def test_points_bars_and_members_are_what_is_given():
    def points(offset):
        return [
            {
                "members": members,
                "bias2": (0.001 * members + offset, 0.0005),
                "variance": (0.01 / members + offset, 0.002),
                "error": (0.02 + offset, 0.001),
            }
            for members in (1, 2)
        ]

    x = np.linspace(0, 1, 5)
    example = {
        "x": x,
        "mean": x**2,
        "members": np.stack([x, -x]),
        "train_x": x[:3],
        "train_y": x[:3] + 1,
    }
    figure = analysis.bias_variance_curves(
        {"a": points(0.0), "b": points(0.1)}, example
    )
    left, *panels = figure.axes
    drawn = {line.get_label(): line.get_xydata() for line in left.lines}
    np.testing.assert_array_equal(drawn["Member 1"], np.stack([x, -x], 1))
    np.testing.assert_array_equal(drawn["E[y|x]"], np.stack([x, x**2], 1))
    np.testing.assert_array_equal(
        drawn["Training set"], np.stack([x[:3], x[:3] + 1], 1)
    )
    wanted = {"bias2": [1, 2], "variance": [10, 5], "error": [20, 20]}
    halves = {"bias2": 0.5, "variance": 2, "error": 1}
    for axes, (key, values) in zip(panels, wanted.items(), strict=True):
        first, second = axes.containers
        line, _, (bars,) = first.lines
        np.testing.assert_allclose(line.get_ydata(), values)
        assert abs(line.get_xdata() - [1, 2]).max() < 0.1
        for value, bar in zip(values, bars.get_segments(), strict=True):
            half = halves[key]
            np.testing.assert_allclose(bar[:, 1], [value - half, value + half])
        np.testing.assert_allclose(
            second.lines[0].get_ydata(), np.array(values) + 100
        )
        assert "10⁻³" in axes.get_ylabel()


def test_courses_are_drawn_against_epochs_with_a_curve_for_each_m():
    def point(members):
        parts = {"bias2": members, "variance": 10, "error": 20}
        course = {k: [(v, 0.5), (v + 1, 2.0)] for k, v in parts.items()}
        pairs = {k: course[k][-1] for k in parts}
        return {
            "members": members,
            **pairs,
            "course": {"epochs": [100, 200]} | course,
        }

    x = np.linspace(0, 1, 3)
    example = {"x": x, "mean": x, "members": x[None]}
    example |= {"train_x": x, "train_y": x}
    series = {"MIMO": [point(1), point(3)]}
    figure = analysis.bias_variance_curves(series, example)
    assert len(figure.axes) == 8
    labels = ["MIMO, M = 1", "MIMO, M = 3"]
    legend = figure.axes[4].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == labels
    for axes, first in zip(figure.axes[5:], (1, 10, 20), strict=True):
        assert axes.get_xlabel() == "Epochs"
        one, three = axes.lines
        assert [line.get_label() for line in axes.lines] == labels
        np.testing.assert_array_equal(
            one.get_xydata(), [[100, 1000 * first], [200, 1000 * (first + 1)]]
        )
        corners = axes.collections[0].get_paths()[0].vertices
        for corner in ([100, 1000 * (first + 0.5)], [200, 1000 * (first - 1)]):
            assert (corners == corner).all(axis=1).any()
        assert (three.get_color() != one.get_color()) and (
            three.get_ydata()[0] == (3000 if first == 1 else 1000 * first)
        )
    del series["MIMO"][0]["course"]  # An older record.
    assert len(analysis.bias_variance_curves(series, example).axes) == 4
