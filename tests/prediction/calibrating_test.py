"""Fits to held-out predictions, against SciPy's minima."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from mimo_keras.errors import InputError
from mimo_keras.prediction import calibrating, precise
from tests.prediction.examples import WEIGHTS, mixture, predicted, softmax

LOGITS, LABELS = predicted()
ROWS = np.arange(len(LABELS))


def fit(method, logits=LOGITS, labels=LABELS):
    return calibrating.fit(method, logits, labels, WEIGHTS, {"examples": 400})


def nll(scores, labels=LABELS):
    return -precise.log_softmax(scores)[ROWS[: len(labels)], labels].mean()


def scipys(logs):
    found = minimize_scalar(
        lambda inverse: nll(inverse * logs),
        bracket=(0.1, 1.0),
        options={"xtol": 1e-12},
    )
    return 1 / found.x


def test_the_temperature_of_the_mixture_is_scipys():
    logs = np.log(mixture(LOGITS))
    found = fit("temperature")
    assert found.temperature == pytest.approx(scipys(logs), abs=1e-6)
    assert found.temperature > 1.5
    assert found.fitted_on == {"examples": 400, "method": "temperature"}


def test_temperatures_of_members_are_scipys():
    found = fit("member_temperatures").temperatures
    wanted = [scipys(np.log(softmax(LOGITS[:, e]))) for e in range(3)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_temperature_is_found_again():
    """What is calibrated and then divided by T asks for the factor T."""
    calibrated = fit("temperature").temperature
    again = fit("temperature", LOGITS[:, :1].repeat(3, axis=1))
    one = calibrating.best_temperature(
        np.log(softmax(7.0 * LOGITS[:, 0])), LABELS
    )
    assert one == pytest.approx(7.0 * again.temperature, rel=1e-9)
    assert calibrated != again.temperature


def test_vector_scaling_is_at_the_minimum():
    logs = np.log(mixture(LOGITS))
    found = fit("vector")
    mine = nll(np.array(found.scales) * logs + found.shifts)
    assert np.mean(found.shifts) == pytest.approx(0, abs=1e-9)

    def loss(both):
        return nll(both[:4] * logs + both[4:])

    best = minimize(loss, np.r_[np.ones(4), np.zeros(4)], tol=1e-12)
    assert mine <= best.fun + 1e-9
    assert mine < nll(logs / fit("temperature").temperature)


def test_isotonic_tables_rise_within_the_unit_interval():
    found = fit("isotonic")
    for inputs, values in zip(found.inputs, found.values, strict=True):
        assert (np.diff(inputs) > 0).all() and (np.diff(values) >= 0).all()
        assert min(values) >= 0 and max(values) <= 1


@pytest.mark.parametrize("method", ["temperature", "member_temperatures"])
def test_all_right_or_all_wrong_is_one_line(method):
    labels = LOGITS.mean(axis=1).argmax(axis=1)
    # All members agree.
    logits = 9 * np.eye(4)[labels][:, np.newaxis].repeat(3, axis=1)
    with pytest.raises(InputError, match="400 examples, all predicted correct"):
        fit(method, logits, labels)
    with pytest.raises(InputError, match="better than chance"):
        fit(method, logits, (labels + 1) % 4)


def test_separable_classes_have_no_vector_scaling():
    labels = np.arange(40) % 4
    logits = np.eye(4)[labels][:, np.newaxis].repeat(3, axis=1)
    with pytest.raises(InputError, match="40 examples of 4 classes, which it"):
        fit("vector", logits, labels)


def test_an_unknown_method_is_one_line():
    with pytest.raises(InputError, match="among temperature, member_temp"):
        fit("platt")
