"""Posteriors over depths, as bars."""

import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import InputError
from uncertainty_runs.evaluation.depth_course import DepthCallback


def create(method, **options):
    return mimo_keras.create_model(
        method,
        backbone="wide_resnet_10_1",
        input_shape=(8, 8, 1),
        num_classes=3,
        ensemble_size=2,
        **options,
    )


def test_the_posterior_is_the_models():
    model = create("mimmo", train_examples=8, depth_warmup_epochs=0)
    layer = model.training_network.get_layer("depth_posterior")
    layer.theta.assign(np.log([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]))
    np.testing.assert_allclose(
        analysis.depth_posterior(model),
        [[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]],
        rtol=1e-5,
    )


def test_the_course_is_that_of_metrics_csv():
    """Two members, three depths; one epoch without values."""
    theta = np.arange(12).reshape(2, 2, 3) / 12
    names = analysis.depth_columns(2, 3)
    assert names[1] == [f"theta_member_1_depth_{d}" for d in (1, 2, 3)]
    rows = [
        {"epoch": 1.0 + epoch}
        | dict(zip(sum(names, []), values.ravel(), strict=True))
        for epoch, values in enumerate(theta)
    ]
    broken = rows[1] | {"epoch": 3.0, "theta_member_0_depth_2": None}
    found = analysis.depth_course([*rows, broken])
    np.testing.assert_array_equal(found["epochs"], [1, 2])
    np.testing.assert_array_equal(found["theta"], theta)
    figure = analysis.depth_course_plot(**found)
    for member, axes in enumerate(figure.axes):
        for depth, drawn in enumerate(axes.lines):
            np.testing.assert_array_equal(
                drawn.get_ydata(), theta[:, member, depth]
            )
    with pytest.raises(InputError, match="no such columns"):
        analysis.depth_course([{"epoch": 1.0}])


def test_an_epochs_posterior_is_added_to_its_logs():
    model = create("mimmo", train_examples=8, depth_warmup_epochs=0)
    layer = model.training_network.get_layer("depth_posterior")
    layer.theta.assign(np.log([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]))
    callback, logs = DepthCallback(), {}
    callback.set_model(model)
    callback.on_epoch_end(0, logs)
    theta = analysis.depth_course([{"epoch": 1} | logs])["theta"]
    np.testing.assert_allclose(theta[0], analysis.depth_posterior(model))


def test_other_methods_have_none():
    with pytest.raises(InputError, match="mimmo or dun"):
        analysis.depth_posterior(create("mimo"))


def test_bars_are_the_probabilities():
    theta = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    [axes] = analysis.depth_bars(theta).axes
    for bars, values in zip(axes.containers, theta, strict=True):
        assert [bar.get_height() for bar in bars] == values.tolist()
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    np.testing.assert_allclose(
        middles, [0.8, 1.8, 2.8, 1.2, 2.2, 3.2], rtol=1e-6
    )
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["Member 0", "Member 1"]
