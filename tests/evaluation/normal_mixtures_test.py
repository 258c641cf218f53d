"""Mixtures of normal distributions against integrals and SciPy."""

import numpy as np
import scipy.integrate
import scipy.stats
import scoringrules

from mimo_keras.evaluation import normal_mixtures

MEANS = np.array([[0.0, 3.0, -1.0], [2.0, 2.0, 2.5]])
STDS = np.array([[1.0, 0.5, 2.0], [0.1, 3.0, 1.0]])
WEIGHTS = np.array([0.5, 0.2, 0.3])
VALUES = np.array([0.7, -4.0])
MIXTURE = MEANS, STDS, WEIGHTS


def test_densities_and_distributions_are_scipys():
    each = scipy.stats.norm(MEANS, STDS)
    np.testing.assert_allclose(
        normal_mixtures.log_density(VALUES, *MIXTURE),
        np.log(each.pdf(VALUES[:, None]) @ WEIGHTS),
    )
    np.testing.assert_allclose(
        normal_mixtures.cdf(VALUES, *MIXTURE),
        each.cdf(VALUES[:, None]) @ WEIGHTS,
    )


def test_a_quantile_has_its_level():
    for level in (1e-6, 0.5, 0.999):
        found = normal_mixtures.quantile(level, *MIXTURE)
        np.testing.assert_allclose(
            normal_mixtures.cdf(found, *MIXTURE), [level, level], rtol=1e-9
        )


def test_crps_is_its_integral():
    found = normal_mixtures.crps(VALUES, *MIXTURE)
    for row, value in enumerate(VALUES):

        def gap(z, row=row, value=value):
            below = normal_mixtures.cdf(
                np.array(z), MEANS[row], STDS[row], WEIGHTS
            )
            return (below - (z >= value)) ** 2

        wanted, _ = scipy.integrate.quad(
            gap, -40, 40, points=(value, 2, 3), limit=400
        )
        np.testing.assert_allclose(found[row], wanted, rtol=1e-5)


def test_crps_is_scoringrules():
    weights = np.tile(WEIGHTS, (2, 1))
    np.testing.assert_allclose(
        normal_mixtures.crps(VALUES, *MIXTURE),
        scoringrules.crps_mixnorm(VALUES, MEANS, STDS, weights),
        rtol=1e-12,
    )


def test_crps_of_one_member_by_hand():
    """σ (2 φ(0) - 1/√π) at the mean."""
    found = normal_mixtures.crps(
        np.array([5.0]), np.array([[5.0]]), np.array([[2.0]]), np.ones(1)
    )
    wanted = 2 * (2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(found, [wanted])
