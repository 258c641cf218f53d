"""Lines and bars are the given values."""

import numpy as np

from mimo_keras.analysis import sweep_boxes, sweep_curves


def point(x, accuracy, member):
    return {
        "x": x,
        "accuracy": (accuracy, 0.1),
        "accuracy_member": (member, 0.0),
        "log_likelihood": (-accuracy, 0.2),
    }


def test_lines_and_bars_are_the_points():
    series = {
        "M = 1": [point(1.0, 0.8, 0.7), point(10.0, 0.6, 0.5)],
        "M = 2": [point((2.0, 0.5), 0.9, 0.4)],
    }
    figure = sweep_curves(
        series, "Strength", "log", ["accuracy", "log_likelihood"]
    )
    accuracy, likelihood = figure.axes
    assert accuracy.get_xscale() == likelihood.get_xscale() == "log"
    assert accuracy.get_xlabel() == "Strength"
    labels = [container.get_label() for container in accuracy.containers]
    assert labels == [
        "M = 1",
        "M = 1: mean member",
        "M = 2",
        "M = 2: mean member",
    ]
    line, _, (bars,) = accuracy.containers[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[1, 0.8], [10, 0.6]])
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [0.7, 0.9])
    # A spread of x has its own bars.
    assert len(accuracy.containers[2].lines[2]) == 2
    # Scores that no point has are not drawn.
    assert [c.get_label() for c in likelihood.containers] == ["M = 1", "M = 2"]
    np.testing.assert_allclose(
        likelihood.containers[0].lines[0].get_ydata(), [-0.8, -0.6]
    )


def test_a_single_curve_needs_no_name():
    figure = sweep_curves({"": [point(1.0, 0.8, 0.7)]}, "M")
    labels = [c.get_label() for c in figure.axes[0].containers]
    assert labels == ["Ensemble", "Mean member"]
    assert figure.axes[0].get_xscale() == "linear"


def test_other_panels_and_room_for_zero():
    points = [
        {"x": x, "ece": (0.1, 0.0), "shifted_brier": (0.3, 0.0), "nll": (1, 0)}
        for x in (0.0, 1.0, 1000.0)
    ]
    figure = sweep_curves(
        {"": points}, "α", "symlog", ["ece", "shifted_brier", "nll"]
    )
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "ECE",
        "Brier score, shifted",
        "NLL (nats)",
    ]
    for axes in figure.axes:
        assert axes.get_xscale() == "symlog"
        assert axes.xaxis.get_transform().linthresh == 1.0
        np.testing.assert_allclose(axes.get_xticks(), [0, 1, 10, 100, 1000])


def test_a_logarithmic_axis_names_few_whole_values():
    points = [point(float(x), 0.8, 0.7) for x in (64, 128, 256, 512)]
    (axes,) = sweep_curves({"": points}, "Width", "log").axes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["64", "128", "256", "512"]
    assert not axes.get_xticks(minor=True).size
    near = [point(x, 0.8, 0.7) for x in (64.0, 65.0, 66.0)]
    (axes,) = sweep_curves({"": near}, "Width", "log").axes
    assert {*axes.get_xticks()}.isdisjoint((65, 66))


def test_boxes_are_over_the_other_settings():
    series = {
        f"M = {m}": [
            {"x": r, "accuracy": (value, 0.1), "accuracy_member": (0.0, 0.0)}
            for r, value in zip((1.0, 4.0), values, strict=True)
        ]
        for m, values in enumerate([(0.5, 0.7), (0.6, 0.9), (0.9, 0.8)])
    }
    [axes] = sweep_boxes(series, "R").axes
    # A box: its outline, two whiskers, two caps, the median.
    drawn = [{*line.get_ydata().tolist()} for line in axes.lines]
    assert {0.6} in drawn and {0.8} in drawn
    # Quartiles of 0.5, 0.6, 0.9 and of 0.7, 0.8, 0.9.
    found = [(min(ys), max(ys)) for ys in drawn if ys]
    assert any(np.allclose(ends, (0.55, 0.75)) for ends in found)
    assert any(np.allclose(ends, (0.75, 0.85)) for ends in found)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "4"]


def test_a_legend_of_long_names_stays_within_the_figure():
    def legend(name):
        points = [point(1.0, 0.8, 0.7), point(10.0, 0.6, 0.5)]
        series = {f"{name} = {value}": points for value in (2, 4)}
        figure = sweep_curves(series, "x", "linear", ["accuracy", "accuracy"])
        [legend] = figure.legends
        return legend, figure.bbox

    found, box = legend("width_multiplier")
    extent = found.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= box.width
    assert extent.y1 <= box.height and len(found.get_texts()) == 4
    # Short ones are in one row, where there is room.
    assert legend("M")[0].get_window_extent().height < extent.height
