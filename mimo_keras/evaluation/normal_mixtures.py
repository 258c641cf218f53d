"""Mixtures of normal distributions, in float64.

Means and standard deviations are (…, E), weights (E,), and values (…).
"""

import numpy as np


def log_density(values, means, stds, weights):
    """Returns log Σ_e w_e N(y; μ_e, σ_e²), (…,)."""
    from scipy.special import logsumexp

    return logsumexp(log_densities(values, means, stds), axis=-1, b=weights)


def log_densities(values, means, stds):
    """Returns each member's log N(y; μ_e, σ_e²), (…, E)."""
    scaled = (np.expand_dims(values, -1) - means) / stds
    return -0.5 * (scaled**2 + np.log(2 * np.pi)) - np.log(stds)


def cdf(values, means, stds, weights):
    """Returns Σ_e w_e Φ((y - μ_e) / σ_e), (…,)."""
    from scipy.special import ndtr

    return ndtr((np.expand_dims(values, -1) - means) / stds) @ weights


def quantile(level, means, stds, weights):
    """Returns the value whose `cdf` is a level in (0, 1), (…,)."""
    from scipy.special import ndtri

    own = means + stds * ndtri(level)
    low, high = own.min(axis=-1), own.max(axis=-1)
    for _ in range(60):
        middle = (low + high) / 2
        is_below = cdf(middle, means, stds, weights) < level
        low = np.where(is_below, middle, low)
        high = np.where(is_below, high, middle)
    return (low + high) / 2


def crps(values, means, stds, weights):
    """Returns the continuous ranked probability score ∫ (F(z) - [z ≥ y])² dz.

    It is E|X - y| - E|X - X'| / 2, in closed form for a mixture.

    Returns:
        (…,), in the units of the values; lower is better.

    Reference:
        Grimit et al., The continuous ranked probability score for circular
        variables and its application to mesoscale forecast ensemble
        verification, QJRMS 2006, equation 5.
    """
    error = _mean_size(np.expand_dims(values, -1) - means, stds) @ weights
    between = 0.0
    for e, weight in enumerate(weights):
        gaps = means - means[..., e, np.newaxis]
        both = np.hypot(stds, stds[..., e, np.newaxis])
        between = between + weight * (_mean_size(gaps, both) @ weights)
    return error - between / 2


def _mean_size(mean, std):
    """Returns E|Z| of Z normal."""
    from scipy.special import ndtr

    z = mean / std
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return 2 * std * density + mean * (2 * ndtr(z) - 1)
