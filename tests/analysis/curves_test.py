"""The curves are metrics.csv's columns."""

import numpy as np

from mimo_keras.analysis.curves import training_curves

_LABELS = {"": "Training", "val_": "Validation", "test_": "Test"}


def _column(rows, name):
    return [row[name] for row in rows]


def test_lines_are_the_columns(metrics_rows):
    figure = training_curves(metrics_rows)
    names = ("loss", "nll", "accuracy", "learning_rate")
    for axes, name in zip(figure.axes, names, strict=True):
        prefixes = ("", "test_") if name in ("nll", "accuracy") else ("",)
        for line, prefix in zip(axes.lines, prefixes, strict=True):
            assert line.get_label() == _LABELS[prefix]
            values = _column(metrics_rows, prefix + name)
            np.testing.assert_allclose(line.get_ydata(), values)
            epochs = _column(metrics_rows, "epoch")
            np.testing.assert_allclose(line.get_xdata(), epochs)
        assert axes.get_xlabel() == "Epoch"


def test_one_epoch_is_a_point_on_whole_ticks(metrics_rows):
    axes = training_curves(metrics_rows[:1]).axes[0]
    assert axes.lines[0].get_marker() == "o"
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    np.testing.assert_array_equal(ticks, [0, 1, 2])


def test_what_is_measured_every_few_epochs_is_a_line_too():
    rows = [{"epoch": float(e), "loss": 1.0 / (e + 1)} for e in range(40)]
    rows[9] |= {"val_loss": 3.0}
    rows[10] |= {"val_loss": None}
    rows[19] |= {"val_loss": 2.0}
    (axes,) = training_curves(rows).axes
    training, validation = axes.lines
    assert len(training.get_xdata()) == 40
    assert training.get_marker() == ""
    np.testing.assert_array_equal(validation.get_xydata(), [[9, 3], [19, 2]])
    assert validation.get_marker() == "o"


def test_no_rows_make_an_empty_panel():
    (axes,) = training_curves([]).axes
    assert not axes.lines
