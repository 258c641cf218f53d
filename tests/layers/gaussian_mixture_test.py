"""Mixtures of normal distributions: values by hand, and against SciPy."""

import json

import keras
import numpy as np
import scipy.stats

from mimo_keras.layers import GaussianMixture, gaussian_mixture

WEIGHTS = np.array([0.75, 0.25], "float32")
# softplus(0.5413) = 1 and softplus(1.8546) = 2.
OUTPUTS = np.log(np.expm1([[[1.0, 1.0], [1.0, 2.0]]])).astype("float32")
OUTPUTS[0, :, 0] = 4.0, 0.0


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_law_of_total_variance_by_hand():
    """N(4, 1) at 3/4 and N(0, 2²) at 1/4: 3/4 + 1 and 3/4 · 1 + 1/4 · 9."""
    mixture = GaussianMixture(floor=0.0)
    found = mixture.predictions(OUTPUTS, WEIGHTS)
    wanted = {
        "mean": [[3.0]],
        "std": [[np.sqrt(4.75)]],
        "aleatoric_variance": [[1.75]],
        "epistemic_variance": [[3.0]],
        "member_means": [[[4.0], [0.0]]],
        "member_stds": [[[1.0], [2.0]]],
    }
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(array(found[name]), value, rtol=1e-5)
    assert array(mixture.activated(OUTPUTS)).tolist() == [[[4.0], [0.0]]]
    np.testing.assert_allclose(mixture.mixed(OUTPUTS, WEIGHTS), [[3.0]])


def test_the_floor_is_added():
    found = GaussianMixture(0.5).parameters(np.array([[1.0, -200.0]], "f"))[1]
    np.testing.assert_allclose(array(found), [[0.5]])


def test_softplus_is_exact_and_never_overflows():
    x = np.linspace(-30, 300, 1001).astype("float32")
    found = array(gaussian_mixture.softplus(x))
    np.testing.assert_allclose(
        found, np.logaddexp(0, x.astype("float64")), rtol=1e-6, atol=1e-7
    )


def test_its_derivative_at_0_is_a_half():
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(
        keras.optimizers.SGD(1.0),
        loss=lambda y, x: gaussian_mixture.softplus(x),
    )
    model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
    np.testing.assert_allclose(model.get_weights()[0], [[-0.5]])


def test_the_normal_distribution_is_exact_in_both_tails():
    z = np.linspace(-9, 9, 1001).astype("float32")
    found = array(gaussian_mixture.normal_cdf(z))
    np.testing.assert_allclose(
        found, scipy.stats.norm.cdf(z.astype("float64")), rtol=1e-5
    )


def test_keras_saves_it():
    kind = GaussianMixture(0.25)
    config = keras.saving.serialize_keras_object(kind)
    assert config["registered_name"] == "mimo_keras>GaussianMixture"
    text = json.dumps(config)
    assert keras.saving.deserialize_keras_object(json.loads(text)) == kind
