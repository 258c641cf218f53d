"""Conformal scores and quantiles, by hand and against MAPIE."""

import math

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier

from mimo_keras.errors import InputError
from mimo_keras.prediction import conformal
from tests.prediction.examples import mixture, predicted

LOGITS, LABELS = predicted(150)
PROBABILITIES = mixture(LOGITS)
ONE = [[0.5, 0.1, 0.4]]


class _Prefit:
    """A fitted scikit-learn classifier that predicts what it is given."""

    classes_ = np.arange(4)
    n_features_in_ = 4

    def fit(self, x, y):
        return self

    def predict(self, x):
        return x.argmax(axis=1)

    def predict_proba(self, x):
        return x

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().__sklearn_tags__()

    def get_params(self, deep=True):
        return {}


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("score", ["lac", "aps"])
def test_quantiles_are_mapies(score, coverage):
    theirs = SplitConformalClassifier(
        _Prefit(), coverage, score, prefit=True, random_state=7
    )
    theirs.conformalize(PROBABILITIES, LABELS)
    theirs.predict_set(PROBABILITIES[:1])
    wanted = theirs._mapie_classifier.conformity_score_function_.quantiles_
    drawn = np.random.RandomState(7).uniform(size=(150, 1))
    # MAPIE subtracts u · p from the sum up to the class.
    found = conformal.class_scores(PROBABILITIES, score, 1 - drawn)
    own = found[np.arange(150), LABELS]
    assert conformal.quantile(own, coverage) == pytest.approx(
        float(np.ravel(wanted)[0]), abs=1e-9
    )


@pytest.mark.parametrize(
    ("score", "options", "wanted"),
    [
        ("lac", {}, [0.5, 0.9, 0.6]),
        ("aps", {}, [0.5, 1.0, 0.9]),
        ("aps", {"draws": 0.25}, [0.125, 0.925, 0.6]),
        ("raps", {"penalty": 0.1, "free": 1}, [0.5, 1.2, 1.0]),
        ("raps", {"penalty": 0.1, "free": 5}, [0.5, 1.0, 0.9]),
    ],
)
def test_scores_by_hand(score, options, wanted):
    found = conformal.class_scores(ONE, score, **options)
    np.testing.assert_allclose(found, [wanted], atol=1e-12)


def test_quantiles_by_hand():
    scores = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 6.0, 9.0, 8.0, 7.0])
    assert conformal.quantile(scores, 0.9) == 9.0  # ⌈10 · 0.9⌉ = 9.
    assert conformal.quantile(scores, 0.55) == 6.0
    assert conformal.quantile(scores, 0.1) == 1.0
    assert conformal.quantile(scores, 0.91) == math.inf


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_the_coverage_of_new_examples_is_what_was_asked_for(coverage):
    """On average over held-out sets, it is rank / (n + 1)."""
    draw, count = np.random.default_rng(0), 39
    values = draw.normal(size=(4000, count + 1))
    covered = [
        row[-1] <= conformal.quantile(row[:-1], coverage) for row in values
    ]
    exact = conformal.rank_of(count, coverage) / (count + 1)
    assert coverage <= exact + 1e-12
    assert np.mean(covered) == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.5, float("nan"), "0.9"])
def test_a_coverage_is_a_fraction(coverage):
    with pytest.raises(InputError, match="coverage between 0 and 1"):
        conformal.check_coverage(coverage, 100)


def test_too_few_examples_are_one_line():
    conformal.check_coverage(0.9, 9)
    with pytest.raises(InputError, match="at least 9 held-out examples for"):
        conformal.check_coverage(0.9, 8)
