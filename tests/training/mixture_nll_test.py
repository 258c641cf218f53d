"""The metric that uses the mixture's weights."""

import keras
import numpy as np

from mimo_keras.training.mixture_nll import MixtureNLL


def test_it_is_a_mean_whose_reset_leaves_the_weights():
    metric = MixtureNLL(np.log([0.25, 0.75]))
    metric.update_state([1.0, 4.0], sample_weight=[1.0, 3.0])
    assert float(metric.result()) == 3.25
    metric.log_weights.assign(np.log([0.5, 0.5]))
    metric.reset_state()
    assert float(metric.result()) == 0.0
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(metric.log_weights), np.log([0.5, 0.5])
    )


def test_a_copy_starts_where_it_started():
    metric = MixtureNLL([-1.0, -2.0])
    metric.log_weights.assign([0.0, 0.0])
    copy = MixtureNLL.from_config(metric.get_config())
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(copy.log_weights), [-1.0, -2.0]
    )
