"""What all metrics do: labels, weights, batches, state, files."""

import keras
import numpy as np
import pytest

from mimo_keras import metrics
from mimo_keras.errors import InputError
from tests.prediction.examples import mixture, predicted

LOGITS, LABELS = predicted(300)
P = mixture(LOGITS).astype("float32")
KINDS = {
    "brier": metrics.BrierScore,
    "nll": metrics.NegativeLogLikelihood,
    "ece": metrics.ExpectedCalibrationError,
    "adaptive_ece": metrics.AdaptiveCalibrationError,
    "classwise_ece": lambda **kw: metrics.ClasswiseCalibrationError(4, **kw),
}
EVERY = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def seen(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


@EVERY
def test_forms_of_inputs_are_equal(kind):
    wanted = seen(kind(), (LABELS, P))
    assert wanted > 0.01
    weights = np.ones((300, 1))
    logs = np.log(P) + 2.0
    forms = [
        (kind(), (LABELS[:, np.newaxis], P)),
        (kind(), (np.eye(4)[LABELS], P, 1.0)),
        (kind(), (LABELS.astype("float32"), P.astype("float64"), weights)),
        (kind(from_logits=True), (LABELS, logs)),
        (kind(), (LABELS.reshape(30, 10), P.reshape(30, 10, 4))),
    ]
    for metric, batch in forms:
        np.testing.assert_allclose(seen(metric, batch), wanted, rtol=2e-5)


@EVERY
def test_batches_merging_and_resetting(kind):
    wanted = seen(kind(), (LABELS, P))
    one, other = kind(), kind(name="other")
    assert float(one.result()) == 0
    seen(one, (LABELS[:7], P[:7]), (LABELS[7:100], P[7:100]))
    seen(other, (LABELS[100:], P[100:]))
    one.merge_state([other])
    np.testing.assert_allclose(float(one.result()), wanted, rtol=1e-5)
    assert float(other.result()) != pytest.approx(wanted)
    one.reset_state()
    assert seen(one, (LABELS, P)) == pytest.approx(wanted, rel=1e-6)


@EVERY
def test_weights_count_examples(kind):
    weights = np.arange(300) % 3
    often = np.repeat(np.arange(300), weights)
    wanted = seen(kind(), (LABELS[often], P[often]))
    found = seen(kind(), (LABELS, P, weights))
    np.testing.assert_allclose(found, wanted, rtol=2e-5)


@EVERY
def test_an_index_of_no_class_and_nan_are_not_hidden(kind):
    outside = LABELS.copy()
    outside[3] = 4
    assert np.isnan(seen(kind(), (outside, P)))
    unknown = P.copy()
    unknown[5] = np.nan
    assert np.isnan(seen(kind(), (LABELS, unknown)))
    unknown = P.copy()
    unknown[5, LABELS[5]] = np.nan
    assert np.isnan(seen(kind(), (LABELS, unknown)))


@EVERY
def test_a_metric_is_saved_with_its_settings_and_state(kind):
    metric = kind(from_logits=True, name="mine", dtype="float32")
    seen(metric, (LABELS, P))
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    for mine, stored in zip(again.variables, metric.variables, strict=True):
        mine.assign(stored)
    assert float(again.result()) == float(metric.result())
    other = KINDS["ece"](num_bins=3)
    with pytest.raises(InputError, match="Merge metrics of the same settings"):
        metric.merge_state([other])


@pytest.mark.parametrize("logits", [False, True])
def test_one_column_is_the_second_of_two_classes(logits):
    labels = LABELS % 2
    one = np.linspace(0.02, 0.98, 300, dtype="float32")[:, np.newaxis]
    both = np.concatenate((1 - one, one), axis=1)
    given = np.log(one / (1 - one)) if logits else one
    for name in ("brier", "nll", "ece"):
        kind = KINDS[name]
        wanted = seen(kind(), (labels, both))
        found = seen(kind(from_logits=logits), (labels, given))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
        found = seen(kind(from_logits=logits), (labels[:, np.newaxis], given))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_what_does_not_fit_is_one_line():
    with pytest.raises(InputError) as caught:
        metrics.BrierScore().update_state(np.zeros((2, 3)), P[:2])
    assert str(caught.value) == (
        "Expected class indices or one-hot labels for predictions of shape "
        "(2, 4). Received: y_true.shape=(2, 3). Drop or add an axis."
    )


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (([0, 1, 2], P[:1]), "y_true for predictions of shape"),
        (([0], P[:1], [1.0, 2.0]), "sample_weight for predictions of shape"),
    ],
)
def test_rows_that_would_be_broadcast_are_one_line(batch, message):
    with pytest.raises(InputError, match=message):
        metrics.BrierScore().update_state(*batch)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((["a", "b"], P[:2]), "numbers as y_true. Received: y_true of type st"),
        ((np.array(["a", "b"]), P[:2]), "numbers as y_true"),
        ((np.array([0, None]), P[:2]), "numbers as y_true"),
        ((None, P[:2]), "y_true of type NoneType"),
        (([[0], [1, 2]], P[:2]), "y_true of type list"),
        (([0, 1], [["a"] * 4] * 2), "numbers as y_pred"),
        (([0, 1], P[:2], ["a", "b"]), "numbers as sample_weight"),
        (([0, 1], [0.1, 0.9]), r"\(…, K\), or .* y_pred.shape=\(2,\)"),
    ],
)
def test_what_is_no_number_is_one_line(batch, message):
    with pytest.raises(InputError, match=message) as caught:
        metrics.BrierScore().update_state(*batch)
    assert "\n" not in str(caught.value)
