"""Diversity of members, against SciPy and cases worked by hand."""

import numpy as np
import pytest
import scipy.stats

from mimo_keras.evaluation import diversity
from mimo_keras.evaluation.streaming import Sums
from mimo_keras.prediction import precise


def diversity_of(log_probabilities):
    sums = Sums()
    sums.add(len(log_probabilities), diversity.pair_sums(log_probabilities))
    return diversity.diversity(sums)


def test_agrees_with_scipy_on_each_pair():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(40, 3, 6)) * 2
    result = diversity_of(precise.log_softmax(logits))
    p = np.exp(precise.log_softmax(logits))
    for i in range(3):
        for j in range(3):
            kl = scipy.stats.entropy(p[:, i], p[:, j], axis=-1).mean()
            assert result.kl[i, j] == pytest.approx(kl, abs=1e-12)
            differ = np.mean(p[:, i].argmax(-1) != p[:, j].argmax(-1))
            assert result.disagreement[i, j] == pytest.approx(differ)
    ordered = [(i, j) for i in range(3) for j in range(3) if i != j]
    unordered = [(0, 1), (0, 2), (1, 2)]
    assert result.means() == {
        "disagreement": pytest.approx(
            np.mean([result.disagreement[pair] for pair in unordered])
        ),
        "kl": pytest.approx(np.mean([result.kl[pair] for pair in ordered])),
    }


def test_equal_members_give_exactly_zero():
    generator = np.random.default_rng(1)
    one = generator.normal(size=(30, 1, 5)) * 100
    result = diversity_of(precise.log_softmax(np.repeat(one, 3, axis=1)))
    np.testing.assert_array_equal(result.kl, np.zeros((3, 3)))
    np.testing.assert_array_equal(result.disagreement, np.zeros((3, 3)))
    assert result.means() == {"disagreement": 0.0, "kl": 0.0}


def test_two_members_by_hand():
    p = [[[0.5, 0.5], [0.25, 0.75]], [[0.9, 0.1], [0.2, 0.8]]]
    result = diversity_of(np.log(p))
    forward = 0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    forward += 0.9 * np.log(4.5) + 0.1 * np.log(1 / 8)
    backward = 0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    backward += 0.2 * np.log(2 / 9) + 0.8 * np.log(8)
    np.testing.assert_allclose(
        result.kl, [[0, forward / 2], [backward / 2, 0]], atol=1e-15
    )
    # A tie goes to the first class, so the members differ on both.
    np.testing.assert_array_equal(result.disagreement, [[0, 1], [1, 0]])
    assert result.means()["disagreement"] == 1.0


def test_certain_members_stay_finite():
    members = precise.log_softmax([[[1e4, -1e4], [-1e4, 1e4]]])
    assert diversity_of(members).means() == {"disagreement": 1.0, "kl": 2e4}


def test_one_member_has_no_pair():
    assert diversity_of(np.log([[[0.3, 0.7]]])).means() == {}
