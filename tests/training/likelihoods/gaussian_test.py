"""The likelihood of means and deviations, by hand and against TFP."""

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from mimo_keras.errors import InputError
from mimo_keras.training.likelihoods import Gaussian
from tests.training import networks
from tests.training.likelihoods.cases import LOGS, TARGETS, WEIGHTS, outputs

BOTH = np.stack([TARGETS, TARGETS], 1)
OUTPUTS = outputs(4)
MEANS, RAW = OUTPUTS[..., :2], OUTPUTS[..., 2:]
STDS = 1e-3 + np.logaddexp(0, RAW.astype("float64"))


def test_members_are_judged_by_their_nll():
    own = scipy.stats.norm.logpdf(BOTH, MEANS, STDS).sum(-1)
    for found in (
        Gaussian(2).member_loss(BOTH, OUTPUTS),
        Gaussian(2, beta=0.5).member_score(BOTH, OUTPUTS),
    ):
        np.testing.assert_allclose(found, -own, rtol=1e-4)


def test_beta_weights_each_number_by_its_variance():
    own = scipy.stats.norm.logpdf(BOTH, MEANS, STDS)
    found = Gaussian(2, beta=0.5).member_loss(BOTH, OUTPUTS)
    np.testing.assert_allclose(found, -(own * STDS).sum(-1), rtol=1e-4)


def test_no_gradient_flows_through_the_weights():
    """With β = 1, the gradient of a mean is μ - y, as of half its square."""
    model = keras.Sequential([keras.Input((2, 4)), _Shift()])
    targets = BOTH[..., :2]
    likelihood = Gaussian(2, beta=1.0)
    step = 1e-2
    model.compile(
        keras.optimizers.SGD(step),
        loss=lambda y, x: ops.sum(likelihood.member_loss(targets, x)),
    )
    model.train_on_batch(np.zeros((3, 2, 4), "float32"), np.zeros((3, 1)))
    moved = -np.array(model.get_weights()[0]) / step
    np.testing.assert_allclose(
        moved[..., :2], MEANS - targets, rtol=1e-3, atol=1e-4
    )


class _Shift(keras.layers.Layer):
    """Outputs whose gradients a step of SGD shows."""

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(3, 2, 4), initializer="zeros")

    def call(self, inputs):
        return 0.0 * inputs + self.shift + OUTPUTS


def test_a_mixture_by_hand():
    """Members N(0, 1) and N(4, 2²) at weights 3/4 and 1/4, of y = 0."""
    raw = np.log(np.expm1(np.array([1.0, 2.0]) - 1e-3))
    found = Gaussian(1).mixture_score(
        np.zeros((1, 1), "float32"),
        np.array([[[0.0, raw[0]], [4.0, raw[1]]]], "float32"),
        LOGS,
    )
    density = (0.75 + 0.25 / 2 * np.exp(-2)) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(found, [-np.log(density)], rtol=1e-5)


@pytest.mark.tensorflow
def test_it_is_the_mixture_of_tensorflow_probability():
    import tensorflow_probability as tfp

    likelihood = Gaussian(2)
    found = likelihood.mixture.predictions(OUTPUTS, WEIGHTS.astype("float32"))
    kinds = tfp.distributions
    mixture = kinds.MixtureSameFamily(
        kinds.Categorical(probs=WEIGHTS.astype("float32")),
        kinds.MultivariateNormalDiag(
            found["member_means"], found["member_stds"]
        ),
    )
    score = likelihood.mixture_score(TARGETS, OUTPUTS, LOGS)
    np.testing.assert_allclose(score, -mixture.log_prob(TARGETS), rtol=1e-5)
    np.testing.assert_allclose(found["mean"], mixture.mean(), atol=1e-5)
    np.testing.assert_allclose(
        np.square(found["std"]), mixture.variance(), rtol=1e-5
    )
    level = likelihood.quantile(0.8, LOGS)(found, None)["quantile"]
    alone = kinds.MixtureSameFamily(
        kinds.Categorical(probs=WEIGHTS.astype("float32")),
        kinds.Normal(
            *(
                np.moveaxis(np.array(found[name]), 1, -1)
                for name in ("member_means", "member_stds")
            )
        ),
    )
    np.testing.assert_allclose(alone.cdf(level), 0.8 * np.ones((3, 2)), 1e-5)


def test_moments_are_the_predictors():
    mean, std = Gaussian(2).moments(OUTPUTS, LOGS)
    found = Gaussian(2).mixture.predictions(OUTPUTS, np.exp(LOGS))
    np.testing.assert_allclose(found["mean"], mean, rtol=1e-5)
    np.testing.assert_allclose(found["std"], std, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 2}, "at least 0 and at most 1. Received: beta=2"),
        ({"beta": "0.5"}, "beta='0.5'"),
        ({"beta": np.nan}, "beta=nan"),
        ({"floor": 0.0}, "floor to be a number of at least 1e-06"),
        ({"floor": np.inf}, "floor=inf"),
    ],
)
def test_bad_options_are_one_line(options, message):
    with pytest.raises(InputError, match=message):
        Gaussian(1, **options)


@pytest.fixture(scope="module")
def model():
    return networks.create(
        *("mimo", 3),
        backbone="mlp_5",
        num_classes=None,
        output_dim=2,
        likelihood="gaussian",
        beta=0.5,
    )


def test_a_model_trains_and_reports_it(model):
    images = networks.examples(8).images
    targets = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    model.compile(
        keras.optimizers.Adam(0.01), metrics=["mse"], run_eagerly=True
    )
    history = model.fit(images, targets, epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    logs = model.evaluate(images, targets, verbose=0, return_dict=True)
    outputs = np.array(model(images), "float64")
    means, stds = model.likelihood.members(outputs)
    own = scipy.stats.norm.logpdf(targets[:, None], means, stds)
    mixture = np.log(np.exp(own.sum(-1)).mean(1))
    assert logs["nll"] == pytest.approx(-mixture.mean(), rel=1e-4)
    weighted = -(own * stds).sum((1, 2))
    assert logs["loss"] == pytest.approx(weighted.mean(), rel=1e-4)
    error = np.square(means.mean(1) - targets).mean()
    assert logs["mse"] == pytest.approx(error, rel=1e-4)


def test_intervals_of_the_predicted_deviation_cover_targets(model):
    images = networks.examples(200).images
    draw = np.random.default_rng(1).normal(size=(200, 2))
    predictor = model.predictor()
    plain = predictor(images)
    targets = np.array(plain["mean"]) + draw * np.array(plain["std"])
    found = predictor.prediction_sets(
        images, targets, coverage=0.8, score="normalized"
    )(images)
    inside = (found["lower"] <= targets) & (targets <= found["upper"])
    # ⌈201 · 0.8⌉ = 161 of 200.
    np.testing.assert_allclose(np.mean(inside, axis=0), 161 / 200, atol=0.006)
    half = (found["upper"] - found["lower"]) / 2
    ratio = np.array(half / plain["std"])
    np.testing.assert_allclose(ratio, ratio[:1].repeat(200, 0), rtol=1e-3)
