"""The noisy one-dimensional regression of Blundell et al. (2015)."""

import numpy as np

from mimo_keras.data.examples import Examples

NOISE = 0.02
"""Standard deviation of ε. The paper writes N(0, 0.02); only a standard
deviation of 0.02 gives the thin band of its Figure 5."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


def regression(n, seed, *, low=0.0, high=0.5, noise=NOISE):
    """Draws examples of y = x + 0.3 sin(2π(x+ε)) + 0.3 sin(4π(x+ε)) + ε.

    Blundell et al., "Weight Uncertainty in Neural Networks", ICML 2015,
    section 5.2. The MIMO paper (section 2.1) trains on 64 such examples and
    tests on 3000.

    Args:
        n: Number of examples.
        seed: Integer that determines the draws.
        low: Lower end of the inputs.
        high: Upper end of the inputs.
        noise: Standard deviation of ε.

    Returns:
        `Examples` with inputs x (n, 1) float32, uniform on [low, high), and
        targets y (n, 1) float32.
    """
    generator = np.random.RandomState(seed)
    x = generator.uniform(low, high, (n, 1))
    y = curve(x, generator.normal(0.0, noise, (n, 1)))
    images, labels = x.astype(np.float32), y.astype(np.float32)
    return Examples("toy_regression", images, labels, None).checked()


def curve(x, noise=0.0):
    """Returns y at x for a given noise ε; without one, the clean curve."""
    shifted = x + noise
    waves = np.sin(2 * np.pi * shifted) + np.sin(4 * np.pi * shifted)
    return x + 0.3 * waves + noise


def moments(x, noise=NOISE):
    """Returns the mean and the variance of y at x, over the noise.

    ε enters the sines, so the mean is not the clean curve: its waves are
    flatter. The mean is the best that regression by squared error can learn,
    and the variance is the remaining error. Both use Gauss-Hermite quadrature,
    exact to rounding for noise up to 0.2.

    Args:
        x: (n,), float.
        noise: Standard deviation of ε.

    Returns:
        Two arrays (n,), float64.
    """
    x = np.asarray(x, np.float64)
    weights = _WEIGHTS / _WEIGHTS.sum()
    values = curve(x[:, None], noise * _NODES)
    means = values @ weights
    return means, np.square(values - means[:, None]) @ weights
