"""Templates and coefficients that compose given kernels."""

import numpy as np
import pytest

from mimo_keras.methods.template_fit import fit

RNG = np.random.default_rng(0)
KERNELS = RNG.normal(size=(4, 30))


def composed(templates, coefficients, rows):
    return np.stack(
        [
            values @ templates[window]
            for values, (_, window) in zip(coefficients, rows, strict=True)
        ]
    )


def windows(count, templates, offsets):
    return [
        (index, [(offset + i) % count for i in range(templates)])
        for index, offset in offsets
    ]


@pytest.mark.parametrize(
    ("count", "rows"),
    [
        # All mix all; in turn, shared by two members; apart, and more of them.
        (4, windows(4, 4, [(i, 0) for i in range(4)])),
        (4, windows(4, 2, [(i, 2 * i) for i in range(4)] * 2)),
        (9, windows(9, 2, [(i % 4, 2 * i) for i in range(8)])),
    ],
)
def test_with_a_template_for_each_kernel_mixtures_are_exact(count, rows):
    templates, coefficients, missing = fit(KERNELS, rows, count)
    found = composed(templates, coefficients, rows)
    np.testing.assert_allclose(found, KERNELS[[i for i, _ in rows]])
    assert missing < 1e-20
    assert {*coefficients.ravel()} <= {0.0, 0.5, 1.0}
    assert np.all(np.std(templates, axis=1) > 0.1)


def test_of_fewer_templates_the_nearest_mixtures_are_found():
    rows = windows(2, 2, [(i, 0) for i in range(4)])
    templates, coefficients, missing = fit(KERNELS, rows, 2)
    values = np.linalg.svd(KERNELS, compute_uv=False)
    assert missing == pytest.approx(np.sum(values[2:] ** 2))
    found = composed(templates, coefficients, rows)
    assert np.sum((found - KERNELS) ** 2) == pytest.approx(missing)


def test_without_coefficients_the_template_is_the_mean():
    rows = windows(1, 1, [(i, 0) for i in range(4)])
    templates, _, missing = fit(KERNELS, rows, 1, mixed=False)
    mean = KERNELS.mean(axis=0)
    np.testing.assert_allclose(templates, mean[None])
    assert missing == pytest.approx(np.sum((KERNELS - mean) ** 2))


def test_alternating_only_improves():
    rows = windows(3, 2, [(0, 0), (1, 2), (2, 1), (3, 0)])
    *_, missing = fit(KERNELS, rows, 3)
    best = np.sum(np.linalg.svd(KERNELS, compute_uv=False)[3:] ** 2)
    smallest = np.sum(KERNELS**2, axis=1).min()
    assert best <= missing < smallest


def test_what_is_missing_after_the_last_round_is_what_is_returned():
    """Alternating has not ended here after its 100 rounds."""
    kernels = np.random.default_rng(0).normal(size=(8, 12))
    rows = windows(5, 2, [(i, i) for i in range(8)])
    templates, coefficients, missing = fit(kernels, rows, 5)
    found = composed(templates, coefficients, rows)
    assert missing == pytest.approx(np.sum((found - kernels) ** 2), rel=1e-9)
    assert missing < 0.2 * np.sum(kernels**2)
