"""What rank-1 layers are by default."""

import functools

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.layers.rank1_layers import normal_posterior

pytestmark = pytest.mark.tensorflow

LAYERS = {
    "DenseRank1": ((7,), (6, 4)),
    "Conv1DRank1": ((7, 3), (6, 5, 4)),
    "Conv2DRank1": ((7, 3), (6, 6, 5, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_members_start_different_and_keep_the_scale(name):
    arguments, shape = LAYERS[name]
    layer = getattr(layers, name)(*arguments, ensemble_size=3, seed=0)
    rows = np.asarray(layer(np.ones(shape, "float32")))
    for one, other in ((0, 2), (0, 4), (2, 4)):
        assert np.abs(rows[one] - rows[other]).max() > 0.1
    for posterior in (layer.alpha_initializer, layer.gamma_initializer):
        assert set(np.unique(posterior.mean)) == {-1.0, 1.0}
        stddev = np.log1p(np.exp(np.asarray(posterior.stddev)))
        # p = 0.001: √(0.001 / 0.999).
        np.testing.assert_allclose(stddev.mean(), 0.0316, rtol=0.1)
    with pytest.raises(TypeError):
        getattr(layers, name)(*arguments, 2)


@pytest.mark.parametrize("name", LAYERS)
def test_posteriors_are_float32_under_every_policy(name):
    arguments, shape = LAYERS[name]
    policies = ("bfloat16", "float16", "float64", "mixed_float16")
    for dtype in (*policies, keras.DTypePolicy("float64")):
        make = functools.partial(getattr(layers, name), *arguments, seed=0)
        layer = make(ensemble_size=3, dtype=dtype)
        exact = make(ensemble_size=3)
        inputs = np.ones(shape, "float32")
        exact.build(shape)
        layer.build(shape)
        for one, other in zip(layer.weights, exact.weights, strict=True):
            one.assign(other)
        outputs = layer(inputs)
        assert layer.alpha_initializer.mean.dtype == "float32"
        assert outputs.dtype == layer.compute_dtype
        np.testing.assert_allclose(
            np.asarray(outputs, "float32"), exact(inputs), rtol=0.1, atol=0.1
        )
        np.testing.assert_allclose(
            layer.kl_divergence(), exact.kl_divergence(), rtol=1e-5
        )


def test_a_posterior_says_where_it_starts():
    posterior = normal_posterior("ones", dropout_rate=0.5)["config"]
    assert posterior["mean_initializer"] == "ones"
    start = posterior["stddev_initializer"].mean
    assert np.log1p(np.exp(start)) == pytest.approx(1.0)
