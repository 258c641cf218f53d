"""The posterior over depths against NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import DepthPosterior

THETA = np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]])
PRIOR = (0.2, 0.5, 0.3)


def layer(theta=THETA, **options):
    made = DepthPosterior(*np.shape(THETA), **options)
    made.build((None, 4))
    if theta is not None:
        made.theta.assign(theta)
    return made


def softmax(x):
    odds = np.exp(x - x.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def kl(p, q):
    return (p * np.log(p / q)).sum()


def numpy(x):
    return keras.ops.convert_to_numpy(x)


def test_weights_are_the_softmax_depth_major():
    found = numpy(layer()(np.zeros((5, 4), "float32")))
    wanted = softmax(THETA)
    assert found.shape == (5, 6)
    for depth in range(3):
        for member in range(2):
            np.testing.assert_allclose(
                found[:, 2 * depth + member], wanted[member, depth], rtol=1e-5
            )


def test_mixture_weights_are_a_members_share_of_theta():
    found = np.exp(numpy(layer().log_mixture_weights()))
    np.testing.assert_allclose(found, softmax(THETA).T.ravel() / 2, rtol=1e-5)
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-6)


@pytest.mark.parametrize("prior", [None, PRIOR])
@pytest.mark.parametrize("divergence", ["reverse", "forward"])
def test_the_divergence(prior, divergence):
    made = layer(prior=prior, divergence=divergence)
    gamma = np.array(prior or [1 / 3] * 3)
    posterior = softmax(THETA)
    wanted = sum(
        kl(p, gamma) if divergence == "reverse" else kl(gamma, p)
        for p in posterior
    )
    np.testing.assert_allclose(made.kl_divergence(), wanted, rtol=1e-5)


@pytest.mark.parametrize("divergence", ["reverse", "forward"])
def test_at_the_prior_the_divergence_is_zero(divergence):
    made = layer(None, prior=PRIOR, divergence=divergence)
    np.testing.assert_allclose(made.kl_divergence(), 0, atol=1e-6)
    np.testing.assert_allclose(
        np.exp(numpy(made.log_posterior())), [PRIOR] * 2, rtol=1e-5
    )


def test_unlearned_it_is_the_prior():
    made = layer(None, prior=PRIOR, learn=False)
    assert made.weights == [made.epoch, made.epochs]
    found = numpy(made(np.zeros((1, 4), "float32")))
    np.testing.assert_allclose(found, [np.repeat(PRIOR, 2)], rtol=1e-5)
    assert float(numpy(made.kl_divergence())) == 0


@pytest.mark.parametrize(("epoch", "held"), [(0, True), (4, True), (5, False)])
def test_warm_up_holds_the_prior(epoch, held):
    made = layer(warmup_epochs=5, prior=PRIOR)
    made.begin_epoch(epoch, 10)
    wanted = np.tile(PRIOR, (2, 1)) if held else softmax(THETA)
    found = np.exp(numpy(made.log_posterior()))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def loss(theta, losses, prior, alpha):
    """Σ θ · loss + α KL(θ ‖ γ), of one member."""
    p = softmax(theta)
    return (p * losses).sum() + alpha * kl(p, np.array(prior))


@pytest.mark.tensorflow
@pytest.mark.parametrize("warmup", [0, 1])
def test_gradients_are_finite_differences(warmup):
    import tensorflow as tf

    made = layer(prior=PRIOR, warmup_epochs=warmup)
    losses = np.array([[0.3, 1.2, 0.7], [2.0, 0.1, 0.4]])
    flat = tf.constant(losses.T.reshape(1, -1), "float32")
    with tf.GradientTape() as tape:
        weights = made(np.zeros((1, 4), "float32"))
        total = tf.reduce_sum(weights * flat) + 0.5 * made.kl_divergence()
    found = tape.gradient(total, made.theta)
    if warmup:
        np.testing.assert_array_equal(found, np.zeros((2, 3)))
        return
    step = 1e-5
    for member in range(2):
        for depth in range(3):
            ends = []
            for sign in (1, -1):
                theta = THETA[member].copy()
                theta[depth] += sign * step
                ends.append(loss(theta, losses[member], PRIOR, 0.5))
            slope = (ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(
                found[member, depth], slope, rtol=1e-3, atol=1e-5
            )


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"prior": (0.5, 0.5)}, "prior to be 3"),
        ({"prior": (0.5, 0.5, 0.0)}, "above 0"),
        ({"prior": (0.5, 0.5, 0.5)}, "sum to 1"),
        ({"prior": ("a", 0.5, 0.5)}, "prior to be 3 probabilities"),
        ({"divergence": "both"}, "divergence among reverse, forward"),
    ],
)
def test_bad_options(options, match):
    with pytest.raises(InputError, match=match):
        layer(**options)


def test_there_is_at_least_one_depth():
    with pytest.raises(InputError, match="depths=0"):
        DepthPosterior(2, 0)
