"""Classification against scikit-learn, and its invariances."""

import ml_dtypes
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mimo_keras.errors import InputError
from mimo_keras.evaluation.classification import Classification, brier_scores

EXAMPLES, MEMBERS, CLASSES = 9, 3, 4
# Small integers make many ties, between classes and between members.
LOGITS = hnp.arrays(
    np.float32,
    (EXAMPLES, MEMBERS, CLASSES),
    elements=st.one_of(
        st.integers(-3, 3).map(float), st.floats(-1e4, 1e4, width=32)
    ),
)
LABELS = hnp.arrays(np.int32, (EXAMPLES,), elements=st.integers(0, CLASSES - 1))
WEIGHTS = np.log([0.5, 0.25, 0.25])


def evaluated(logits, labels, weights=WEIGHTS, cuts=()):
    metrics = Classification(logits.shape[-1], weights)
    for part in zip(
        np.split(logits, cuts), np.split(labels, cuts), strict=True
    ):
        metrics.update(*part)
    return metrics


def random_case(members=3, seed=0):
    generator = np.random.default_rng(seed)
    logits = 2 * generator.normal(size=(200, members, 5)).astype(np.float32)
    return logits, generator.integers(0, 5, 200)


@pytest.mark.parametrize("num_bins", [1, 4, 30])
def test_the_number_of_bins_of_the_calibration_error(num_bins):
    draw = np.random.default_rng(0)
    logits, labels = draw.normal(size=(200, 1, 5)), draw.integers(0, 5, 200)
    metrics = Classification(5, [0.0], num_bins=num_bins)
    for rows in (slice(90), slice(90, None)):
        metrics.update(logits[rows], labels[rows])
    exponentials = np.exp(logits[:, 0])
    confidence = (exponentials / exponentials.sum(1, keepdims=True)).max(1)
    correct = logits[:, 0].argmax(1) == labels
    wanted = 0.0
    for low in np.arange(num_bins) / num_bins:
        inside = (confidence >= low) & (confidence < low + 1 / num_bins)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            wanted += inside.mean() * gap
    np.testing.assert_allclose(metrics.result()["ece"], wanted, rtol=1e-6)
    assert len(metrics.reliability().edges) == num_bins + 1
    with pytest.raises(InputError, match="num_bins=15.*num_bins="):
        Classification(5, [0.0]).merge(metrics)


def test_no_bins_are_an_error():
    with pytest.raises(InputError, match="at least 1.*num_bins=0"):
        Classification(5, [0.0], num_bins=0)


def test_agrees_with_scikit_learn():
    logits, labels = random_case()
    members = scipy.special.softmax(logits.astype(np.float64), axis=-1)
    mixture = np.einsum("e,bek->bk", np.exp(WEIGHTS), members)
    result = evaluated(logits, labels).result()
    classes = range(5)
    assert result["nll"] == pytest.approx(
        sklearn.metrics.log_loss(labels, mixture, labels=classes), rel=1e-10
    )
    assert result["accuracy"] == sklearn.metrics.accuracy_score(
        labels, mixture.argmax(-1)
    )
    assert result["brier"] == pytest.approx(
        sklearn.metrics.brier_score_loss(
            labels, mixture, labels=classes, scale_by_half=False
        ),
        rel=1e-10,
    )
    for e in range(3):
        assert result[f"nll_member_{e}"] == pytest.approx(
            sklearn.metrics.log_loss(labels, members[:, e], labels=classes),
            rel=1e-10,
        )
        assert result[f"accuracy_member_{e}"] == sklearn.metrics.accuracy_score(
            labels, members[:, e].argmax(-1)
        )


def test_names_are_exactly_these():
    logits, labels = random_case()
    shared = {"accuracy", "nll", "ece", "brier", "brier_per_class"}
    shared |= {"nll_member_mean", "accuracy_member_mean"}
    one = evaluated(logits[:, :1], labels, [0.0]).result()
    assert set(one) == shared | {"nll_member_0", "accuracy_member_0"}
    two = evaluated(logits[:, :2], labels, np.log([0.5, 0.5])).result()
    names = {f"{n}_member_{e}" for n in ("nll", "accuracy") for e in (0, 1)}
    assert set(two) == shared | names | {"disagreement", "kl"}
    assert all(type(value) is float for value in two.values())


def test_two_members_by_hand():
    p = np.array([[[0.8, 0.2], [0.4, 0.6]], [[0.5, 0.5], [0.1, 0.9]]])
    result = evaluated(np.log(p), np.array([1, 1]), np.log([0.5, 0.5])).result()
    # Mixtures: (0.6, 0.4), wrong; (0.3, 0.7), right.
    assert result["accuracy"] == 0.5
    # Members: (0.2, 0.5) and (0.6, 0.9) of label 1.
    by_hand = -np.log([[0.2, 0.5], [0.6, 0.9]]).mean()
    assert result["nll_member_mean"] == pytest.approx(by_hand)
    assert result["nll"] == pytest.approx(-(np.log(0.4) + np.log(0.7)) / 2)
    assert result["brier"] == pytest.approx((2 * 0.36 + 2 * 0.09) / 2)
    assert result["brier_per_class"] == pytest.approx((0.36 + 0.09) / 2)
    # Confidences 0.6 (bin 9, wrong) and 0.7 (bin 10, right).
    assert result["ece"] == pytest.approx((0.6 + 0.3) / 2)
    assert result["accuracy_member_0"] == 0.0  # a tie goes to class 0
    assert result["accuracy_member_1"] == 1.0
    assert result["disagreement"] == 1.0


def test_averaged_logits_by_hand():
    """One member is sure of class 0, two lean to class 1."""
    logits = np.array([[[8.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    metrics = Classification(2, WEIGHTS, average="logits")
    metrics.update(logits, [0])
    found = metrics.result()
    # 4 against 1/2, where probabilities give 0.634.
    assert found["nll"] == pytest.approx(np.log1p(np.exp(-3.5)))
    assert found["nll_member_1"] == pytest.approx(np.log1p(np.exp(1.0)))
    plain = Classification(2, WEIGHTS)
    plain.update(logits, [0])
    assert np.exp(-plain.result()["nll"]) == pytest.approx(0.634, abs=1e-3)


def test_another_average_is_an_error():
    with pytest.raises(InputError, match="average='votes'. Choose one."):
        Classification(2, WEIGHTS, average="votes")


def test_nll_is_not_clipped():
    logits = np.array([[[1e4, -1e4]], [[0.0, 0.0]]], np.float32)
    result = evaluated(logits, np.array([1, 1]), [0.0]).result()
    assert result["nll"] == pytest.approx((2e4 + np.log(2)) / 2, rel=1e-12)


def test_bfloat16_logits_are_widened_first():
    logits, labels = random_case()
    narrow = logits.astype(ml_dtypes.bfloat16)
    widened = narrow.astype(np.float64)
    assert evaluated(narrow, labels).result() == pytest.approx(
        evaluated(widened, labels).result(), rel=1e-12
    )


@settings(max_examples=30, deadline=None)
@given(LOGITS, LABELS, st.lists(st.integers(0, EXAMPLES), max_size=4))
def test_any_split_into_batches_gives_the_same(logits, labels, cuts):
    whole = evaluated(logits, labels)
    parts = evaluated(logits, labels, cuts=sorted(cuts))
    assert parts.count == whole.count == EXAMPLES
    assert parts.result() == pytest.approx(whole.result(), rel=1e-9, abs=1e-12)
    np.testing.assert_array_equal(
        parts.reliability().count, whole.reliability().count
    )


@settings(max_examples=30, deadline=None)
@given(LOGITS, LABELS, st.permutations(range(MEMBERS)))
def test_the_order_of_the_members_only_renames_them(logits, labels, order):
    before = evaluated(logits, labels)
    after = evaluated(logits[:, order], labels, WEIGHTS[order])
    renamed = dict(before.result())
    for new, old in enumerate(order):
        for name in ("nll", "accuracy"):
            renamed[f"{name}_member_{new}"] = before.result()[
                f"{name}_member_{old}"
            ]
    assert after.result() == pytest.approx(renamed, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(
        after.diversity().kl, before.diversity().kl[np.ix_(order, order)]
    )


@settings(max_examples=30, deadline=None)
@given(LOGITS, LABELS, st.integers(0, EXAMPLES))
def test_merging_is_one_pass(logits, labels, cut):
    first = evaluated(logits[:cut], labels[:cut])
    second = evaluated(logits[cut:], labels[cut:])
    merged = first.merge(second)
    assert merged is first
    assert merged.result() == pytest.approx(
        evaluated(logits, labels).result(), rel=1e-9, abs=1e-12
    )


def test_merging_another_model_is_an_error():
    metrics = Classification(10, WEIGHTS)
    for other in (
        Classification(9, WEIGHTS),
        Classification(10, WEIGHTS[::-1]),
        Classification(10, WEIGHTS, average="logits"),
    ):
        with pytest.raises(InputError, match="same model"):
            metrics.merge(other)


def test_bad_input_adds_nothing():
    logits, labels = random_case()
    metrics = evaluated(logits, labels)
    before = metrics.result()
    bad = np.where(logits == logits[0, 0, 0], np.nan, logits)
    for case in ((bad, labels), (logits, labels + 5), (logits[:, 0], labels)):
        with pytest.raises(InputError):
            metrics.update(*case)
    assert metrics.result() == before


def test_no_example_and_no_class_are_errors():
    with pytest.raises(InputError, match="at least one evaluated example"):
        Classification(10, WEIGHTS).result()
    with pytest.raises(InputError, match="num_classes=0"):
        Classification(0, WEIGHTS)


def test_brier_scores_reach_from_zero_to_two():
    p = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    np.testing.assert_allclose(
        brier_scores(p, np.array([0, 1, 2])), [0.0, 2.0, 0.38]
    )
