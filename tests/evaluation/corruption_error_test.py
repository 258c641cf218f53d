"""Corruption errors by hand."""

import pytest

from mimo_keras.errors import InputError
from mimo_keras.evaluation import corruption_error
from mimo_keras.evaluation.corruption_error import ALEXNET, corruption_errors


def results(factor, further=()):
    """Errors relative to AlexNet's whose mean is the given factor."""
    return [
        (
            kind,
            severity,
            {"accuracy": 1 - factor * error + (severity - 3) / 100},
        )
        for kind, error in [*ALEXNET.items(), *further]
        for severity in range(1, 6)
    ]


def test_alexnet_itself_is_100():
    clean = 1 - corruption_error.ALEXNET_CLEAN
    found = corruption_errors(results(1.0), clean)
    assert found["mce"] == pytest.approx(100)
    assert found["relative_mce"] == pytest.approx(100)


def test_half_the_errors():
    found = corruption_errors(results(0.5, [("spatter", 0.9)]), 0.75)
    assert found["mce"] == pytest.approx(50)
    wanted = sum(
        (error / 2 - 0.25) / (error - 0.435) for error in ALEXNET.values()
    )
    assert found["relative_mce"] == pytest.approx(100 * wanted / 15)


def test_a_part_of_the_types_is_no_mce():
    with pytest.raises(InputError, match="jpeg_compression at 4"):
        corruption_errors(results(1.0)[:-1], 0.5)


def test_alexnets_errors_are_those_of_its_authors_table():
    """In per cent, as printed in the readme of hendrycks/robustness."""
    percent = (
        *(88.6, 89.4, 92.3, 82.0, 82.6, 78.6, 79.8, 86.7),
        *(82.7, 81.9, 56.5, 85.3, 64.6, 71.8, 60.7),
    )
    found = [100 * error for error in ALEXNET.values()]
    assert found == pytest.approx(percent, abs=0.051)
