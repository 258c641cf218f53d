"""Out-of-distribution scores by hand, and detection by counting."""

import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.errors import InputError
from mimo_keras.evaluation import ood

# Few values, so that most scores are tied.
SCORES = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=25)


def test_scores_by_hand():
    p = np.array([[[0.5, 0.5], [0.25, 0.75]]])
    scores = ood.scores(np.log(p), np.log([0.5, 0.5]))

    def entropy(q):
        return -(q * np.log(q)).sum(-1)

    mixture = np.array([0.375, 0.625])
    np.testing.assert_allclose(scores["max_probability"], [0.375])
    np.testing.assert_allclose(scores["entropy"], [entropy(mixture)])
    np.testing.assert_allclose(
        scores["mutual_information"], [entropy(mixture) - entropy(p).mean()]
    )


def test_scores_of_averaged_logits_by_hand():
    p = np.array([[[0.5, 0.5], [0.2, 0.8]]])
    found = ood.scores(np.log(p), np.log([0.5, 0.5]), "logits")
    # √(1/2 · 1/5) to √(1/2 · 4/5): 1 to 2.
    q = np.array([1 / 3, 2 / 3])
    np.testing.assert_allclose(found["max_probability"], [1 / 3])
    np.testing.assert_allclose(found["entropy"], [-(q * np.log(q)).sum()])
    plain = ood.scores(np.log(p), np.log([0.5, 0.5]))
    np.testing.assert_array_equal(
        found["mutual_information"], plain["mutual_information"]
    )


def test_max_probability_is_one_minus_it():
    logits = np.random.default_rng(0).normal(size=(50, 3, 6))
    p = scipy.special.softmax(logits, axis=-1).mean(axis=1)
    scores = ood.scores(logits, np.full(3, -np.log(3)))
    np.testing.assert_allclose(scores["max_probability"], 1 - p.max(-1))


def test_confident_examples_stay_apart():
    scores = ood.scores([[[60.0, 0.0]], [[50.0, 0.0]]], [0.0])
    np.testing.assert_allclose(
        scores["max_probability"], np.exp([-60.0, -50.0])
    )


def test_one_member_has_no_mutual_information():
    logits = 30 * np.random.default_rng(0).normal(size=(50, 1, 6))
    scores = ood.scores(logits, [0.0])
    np.testing.assert_array_equal(scores["mutual_information"], np.zeros(50))


@settings(max_examples=30, deadline=None)
@given(SCORES, SCORES)
def test_detection_by_counting(scores_in, scores_out):
    inside, outside = np.array(scores_in), np.array(scores_out)
    result = ood.detection(inside, outside)
    wins = (outside[:, None] > inside).mean()
    ties = (outside[:, None] == inside).mean()
    assert result["auroc"] == pytest.approx(wins + ties / 2)
    rates, area, recall = [], 0.0, 0.0
    for threshold in sorted({*scores_in, *scores_out}, reverse=True):
        true_rate = (outside >= threshold).mean()
        if true_rate >= 0.95:
            rates.append((inside >= threshold).mean())
        hits = (outside >= threshold).sum()
        precision = hits / (hits + (inside >= threshold).sum())
        area += (true_rate - recall) * precision
        recall = true_rate
    assert result["fpr95"] == pytest.approx(min(rates))
    assert result["aupr"] == pytest.approx(area)


def test_agrees_with_scikit_learn_called_by_hand():
    generator = np.random.default_rng(0)
    inside, outside = generator.normal(size=70), generator.normal(1, 1, 50)
    truth = [0] * 70 + [1] * 50
    values = np.concatenate([inside, outside])
    result = ood.detection(inside, outside)
    assert result["auroc"] == sklearn.metrics.roc_auc_score(truth, values)
    assert result["aupr"] == sklearn.metrics.average_precision_score(
        truth, values
    )


def test_higher_means_out_of_distribution():
    apart = ood.detection([0.0, 0.1, 0.2], [0.8, 0.9])
    assert apart == {"auroc": 1.0, "aupr": 1.0, "fpr95": 0.0}
    assert ood.detection([0.8, 0.9], [0.0, 0.1])["auroc"] == 0.0


def test_a_true_positive_rate_of_exactly_95_percent_is_enough():
    outside = [0.0] + [2.0] * 19
    assert ood.detection([1.0, 3.0], outside)["fpr95"] == 0.5


def test_constant_scores():
    result = ood.detection(np.zeros(30), np.zeros(10))
    assert result == {"auroc": 0.5, "aupr": 0.25, "fpr95": 1.0}


@pytest.mark.parametrize(
    ("inside", "outside"),
    [([], [1.0]), ([1.0], []), ([np.nan], [1.0]), ([[1.0]], [1.0])],
)
def test_bad_scores_are_errors(inside, outside):
    with pytest.raises(InputError, match="scores_"):
        ood.detection(inside, outside)


def test_bad_logits_are_errors():
    with pytest.raises(InputError, match="logits.shape"):
        ood.scores(np.zeros((4, 10)), [0.0])
