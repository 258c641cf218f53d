"""Calibration against TensorFlow Probability and cases worked by hand."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.evaluation import calibration
from mimo_keras.evaluation.classification import Classification
from mimo_keras.evaluation.streaming import Sums

EDGES = st.tuples(
    st.integers(0, 15), st.integers(-2, 2), st.booleans()
)  # an edge, float32 steps away from it, and whether it was right


def reliability_of(confidence, correct):
    sums = Sums()
    sums.add(len(correct), calibration.bin_sums(confidence, correct))
    return calibration.reliability(sums)


def beside_edge(edge, steps):
    value = np.float32(edge / 15)
    towards = np.float32(np.copysign(np.inf, steps))
    for _ in range(abs(steps)):
        value = np.nextafter(value, towards)
    return np.clip(value, np.float32(0), np.float32(1))


@settings(max_examples=40, deadline=None)
@given(st.lists(EDGES, min_size=1, max_size=12))
def test_agrees_with_tfp_at_the_edges_of_the_bins(cases):
    p = np.array([beside_edge(edge, steps) for edge, steps, _ in cases])
    correct = np.array([right for _, _, right in cases])
    np.testing.assert_array_equal(
        calibration.bin_of(p),
        tf.histogram_fixed_width_bins(p, [0.0, 1.0], nbins=15),
    )
    with np.errstate(divide="ignore"):
        logits = np.log(np.stack([p, 1 - p], axis=-1))
    theirs = tfp.stats.expected_calibration_error(
        15,
        logits=logits,
        labels_true=np.where(correct, 0, 1),
        labels_predicted=np.zeros(len(p), np.int64),
    )
    # TFP's softmax of the logits, whose last bit decides the bin.
    confidence = tf.nn.softmax(logits).numpy()[:, 0]
    ours = reliability_of(confidence, correct).error
    assert ours == pytest.approx(float(theirs), abs=1e-6)


# Not 3: certain members would average to 2/3, an edge, where the bin depends on
# the last bit of TFP's own softmax.
@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("scale", [0.3, 2.0, 20.0])
def test_classification_agrees_with_tfp(members, scale):
    generator = np.random.default_rng(0)
    logits = scale * generator.normal(size=(500, members, 7))
    labels = generator.integers(0, 7, 500)
    metrics = Classification(7, np.full(members, -np.log(members)))
    metrics.update(logits.astype(np.float32), labels)
    mixture = np.mean(tf.nn.softmax(logits.astype(np.float32)), axis=1)
    theirs = tfp.stats.expected_calibration_error(
        15, logits=np.log(mixture + 1e-38), labels_true=labels
    )
    assert metrics.result()["ece"] == pytest.approx(float(theirs), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([1, 3, 5, 15]), st.integers(0, 14)),
        min_size=1,
        max_size=8,
    )
)
def test_classification_agrees_with_tfp_on_confidences_1_over_n(cases):
    logits = np.full((len(cases), 15), -1e4, np.float32)
    for row, (ties, _) in enumerate(cases):
        logits[row, :ties] = 3.0
    labels = np.array([label for _, label in cases])
    metrics = Classification(15, [0.0])
    metrics.update(logits[:, None], labels)
    theirs = tfp.stats.expected_calibration_error(
        15, logits=logits, labels_true=labels
    )
    assert metrics.result()["ece"] == pytest.approx(float(theirs), abs=1e-6)


def test_members_that_average_to_an_edge_fall_into_the_bin_above():
    # 2/5 = 6/15 from (0.1 + 0.7) / 2 and the like: never bin 5 by rounding.
    for low in np.linspace(0.0, 0.8, 41):
        pair = np.log([[[low + 1e-300], [0.8 - low + 1e-300]]])
        p = np.exp(np.logaddexp(pair[0, 0], pair[0, 1]) - np.log(2))
        assert calibration.bin_of(p) == [6]


def test_reliability_by_hand():
    reliability = reliability_of(
        np.array([0.65, 0.65, 0.61, 1.0]), np.array([1, 0, 1, 1])
    )
    assert reliability.count.tolist() == [0] * 9 + [3] + [0] * 4 + [1]
    assert reliability.confidence[9] == pytest.approx(1.91 / 3)
    assert reliability.accuracy[9] == pytest.approx(2 / 3)
    assert reliability.accuracy[14] == 1.0
    assert np.isnan(reliability.accuracy[0])
    assert reliability.error == pytest.approx((2 - 1.91) / 4)
    np.testing.assert_allclose(reliability.edges, np.linspace(0, 1, 16))
