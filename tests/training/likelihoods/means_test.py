"""The likelihood of means against NumPy and by hand."""

import keras
import numpy as np

from mimo_keras.training.likelihoods import Mean
from tests.training.likelihoods.cases import LOGS, TARGETS, outputs


def test_members_of_means_are_judged_by_squared_error():
    means = outputs(2)
    np.testing.assert_allclose(
        Mean(2).member_loss(np.stack([TARGETS, TARGETS], 1), means),
        np.square(means - TARGETS[:, None]).mean(-1),
        rtol=1e-5,
    )


def test_means_by_hand():
    """Means 4 and 0 of a target 1; together 3 at weights 3/4 and 1/4."""
    means = np.array([[[4.0], [0.0]]], "float32")
    targets = np.array([[[1.0], [1.0]]], "float32")
    assert np.array(Mean(1).member_loss(targets, means)).tolist() == [[9, 1]]
    mixture = Mean(1).mixture_score(targets[:, 0], means, LOGS)
    np.testing.assert_allclose(mixture, [4.0], rtol=1e-6)


def test_targets_are_float32_for_metrics_of_ones_own():
    """In an eager step Keras passes on NumPy's float64."""
    assert (
        keras.backend.standardize_dtype(
            Mean(2).targets(TARGETS.astype("float64")).dtype
        )
        == "float32"
    )
