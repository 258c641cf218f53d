"""The toy regression against an independent form of its formula."""

import numpy as np
import pytest

from mimo_keras.data import toy


@pytest.mark.parametrize(
    ("x", "noise", "y"),
    [
        (0.0, 0.0, 0.0),
        (0.25, 0.0, 0.25 + 0.3),
        (0.125, 0.0, 0.125 + 0.3 * np.sqrt(0.5) + 0.3),
        (0.2, 0.05, 0.2 + 0.3 + 0.05),
    ],
)
def test_curve_at_hand_worked_points(x, noise, y):
    np.testing.assert_allclose(toy.curve(x, noise), y, atol=1e-15)


def test_examples_are_the_curve_with_the_papers_noise():
    examples = toy.regression(80_000, seed=1)
    assert examples.images.dtype == examples.labels.dtype == np.float32
    assert examples.num_classes is None
    x, y = examples.images[:, 0], examples.labels[:, 0]
    assert x.min() >= 0 and x.max() <= 0.5
    deciles = np.histogram(x, 10, (0, 0.5))[0]
    np.testing.assert_allclose(deciles, 8000, rtol=0.1)
    # Where the waves are flat the noise is almost unchanged; at 0 it is
    # multiplied by the slope there, 1 + 0.6π + 1.2π.
    at_zero = (y - toy.curve(x))[x < 0.005]
    slope = 1 + 1.8 * np.pi
    np.testing.assert_allclose(at_zero.std(), 0.02 * slope, rtol=0.15)
    assert abs(at_zero.mean()) < 0.04


def test_seeds():
    one, again, two = (toy.regression(64, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.labels, again.labels)
    assert not np.array_equal(one.images, two.images)


def test_other_inputs_and_noise():
    examples = toy.regression(4000, 1, low=-1.0, high=1.0, noise=0.0)
    x, y = examples.images, examples.labels
    assert -1 <= x.min() < -0.99 and 0.99 < x.max() < 1
    np.testing.assert_allclose(y, toy.curve(x.astype(float)), atol=1e-6)


@pytest.mark.parametrize("noise", [0.02, 0.08, 0.2])
def test_moments_by_the_characteristic_function(noise):
    """E[exp(iaε)] = exp(-a²σ²/2), and so E[ε sin aε] = aσ² exp(-a²σ²/2)."""
    x = np.linspace(-1, 1, 101)
    waves = [2 * np.pi, 4 * np.pi]

    def even(a):
        return np.exp(-((a * noise) ** 2) / 2)

    mean = x + sum(0.3 * even(a) * np.sin(a * x) for a in waves)
    square = noise**2
    for a in waves:
        square = square + 0.6 * a * noise**2 * even(a) * np.cos(a * x)
        for b in waves:
            near, far = (even(c) * np.cos(c * x) for c in (a - b, a + b))
            product = even(a) * np.sin(a * x) * even(b) * np.sin(b * x)
            square = square + 0.09 * ((near - far) / 2 - product)
    found = toy.moments(x, noise)
    np.testing.assert_allclose(found[0], mean, atol=1e-12)
    np.testing.assert_allclose(found[1], square, atol=1e-12)


def test_moments_are_those_of_the_draws():
    x, draws = np.array([0.1, 0.4]), np.random.default_rng(0)
    y = toy.curve(x[:, None], draws.normal(0, 0.08, (1, 200_000)))
    mean, variance = toy.moments(x, 0.08)
    np.testing.assert_allclose(y.mean(1), mean, atol=3e-3)
    np.testing.assert_allclose(y.var(1), variance, rtol=0.02)
    # Away from the clean curve by more than the sampling error.
    assert abs(mean - toy.curve(x)).min() > 0.02
