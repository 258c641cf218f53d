"""Posteriors over depths, as bars."""

import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis
from mimo_keras.errors import InputError


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
