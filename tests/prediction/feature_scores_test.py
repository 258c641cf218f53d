"""Scores of features: by hand, and by the published formulae."""

import numpy as np
import pytest
import scipy.spatial.distance
import sklearn.covariance
import sklearn.neighbors

from mimo_keras.errors import InputError
from mimo_keras.prediction import feature_scores

DRAW = np.random.default_rng(0)
LABELS = DRAW.integers(3, size=90)
FEATURES = DRAW.normal(size=(90, 5)) @ DRAW.normal(size=(5, 5))
FEATURES += 3 * np.eye(3, 5)[LABELS]
FOREIGN = 4 * DRAW.normal(size=(7, 5))


def test_mahalanobis_by_hand():
    # Classes at 0 and 10, variances 1 and 4, no covariance.
    offsets = np.array([[1, 2], [-1, 2], [1, -2], [-1, -2]], float)
    features = np.concatenate((offsets, offsets + 10))
    found = feature_scores.Mahalanobis(features, np.repeat([0, 1], 4))
    scores = found.score(np.array([[3.0, 0], [0, 4], [10, 10], [10, 14]]))
    np.testing.assert_allclose(scores, [9, 4, 0, 4], atol=1e-12)


def test_mahalanobis_is_scikit_learns():
    means = np.stack([FEATURES[k == LABELS].mean(axis=0) for k in range(3)])
    fitted = sklearn.covariance.EmpiricalCovariance(assume_centered=True)
    fitted.fit(FEATURES - means[LABELS])
    gaps = [fitted.mahalanobis(FOREIGN - mean) for mean in means]
    found = feature_scores.Mahalanobis(FEATURES, LABELS)
    np.testing.assert_allclose(found.score(FOREIGN), np.min(gaps, 0), rtol=1e-9)
    # A feature that never varies has no say.
    more = np.concatenate((FEATURES, np.full((90, 1), 7.0)), axis=1)
    found = feature_scores.Mahalanobis(more, LABELS)
    foreign = np.concatenate((FOREIGN, DRAW.normal(size=(7, 1))), axis=1)
    np.testing.assert_allclose(found.score(foreign), np.min(gaps, 0), rtol=1e-9)
    with pytest.raises(InputError, match="features that vary within"):
        feature_scores.Mahalanobis(np.eye(3), np.arange(3))


@pytest.mark.parametrize("k", [1, 4])
def test_neighbors_are_scikit_learns(k):
    found = feature_scores.Neighbors(FEATURES, k).score(FOREIGN)
    scaled = [
        x / np.linalg.norm(x, axis=1)[:, None] for x in (FEATURES, FOREIGN)
    ]
    search = sklearn.neighbors.NearestNeighbors(n_neighbors=k).fit(scaled[0])
    np.testing.assert_allclose(
        found, search.kneighbors(scaled[1])[0][:, -1], rtol=1e-6
    )
    # A unit vector at a right angle, and no vector at all.
    angles = feature_scores.Neighbors(np.array([[5.0, 0]]), 1)
    found = angles.score(np.array([[0.0, 3], [2, 0], [0, 0]]))
    np.testing.assert_allclose(found, [2**0.5, 0, 1], atol=1e-12)


def test_the_virtual_logit_is_the_authors():
    """Wang et al.'s equations, as their code computes them."""
    weight, bias = DRAW.normal(size=(5, 3)), DRAW.normal(size=3)
    logits = FEATURES @ weight + bias
    origin = -np.matmul(np.linalg.pinv(weight.T), bias)
    fitted = sklearn.covariance.EmpiricalCovariance(assume_centered=True)
    fitted.fit(FEATURES - origin)
    values, vectors = np.linalg.eig(fitted.covariance_)
    rest = vectors[:, np.argsort(-values)[2:]]
    lengths = np.linalg.norm((FEATURES - origin) @ rest, axis=1)
    alpha = logits.max(axis=1).mean() / lengths.mean()
    foreign = FOREIGN @ weight + bias
    wanted = alpha * np.linalg.norm((FOREIGN - origin) @ rest, axis=1)
    wanted -= np.log(np.exp(foreign).sum(axis=1))
    found = feature_scores.VirtualLogit(FEATURES, logits, weight, bias, 2)
    np.testing.assert_allclose(found.score(FOREIGN, foreign), wanted)
    flat = FEATURES * [1, 1, 0, 0, 0]
    with pytest.raises(InputError, match="vary in more than 3 dimensions"):
        feature_scores.VirtualLogit(flat, logits, weight, 0 * bias, 3)


def test_examples_are_scored_by_a_fit_without_them():
    def fit(features, logits, labels):
        return feature_scores.Neighbors(features, 1)

    found = feature_scores.unseen(fit, FEATURES, FEATURES, LABELS)
    whole = feature_scores.Neighbors(FEATURES, 1).score(FEATURES)
    np.testing.assert_allclose(whole, 0, atol=1e-7)
    angles = scipy.spatial.distance.cdist(*2 * [feature_scores.unit(FEATURES)])
    nearest = np.sort(angles, axis=1)[:, 1]
    assert (found >= nearest - 1e-7).all() and (found > 0).all()


def test_groups_are_mixed_by_the_weights_of_their_members():
    scores = np.array([[1.0, 10.0]])
    weights = np.log([0.1, 0.2, 0.3, 0.4])
    assert feature_scores.mixed(scores, weights) == pytest.approx(0.3 + 7)
    assert feature_scores.mixed(scores[:, :1], weights) == pytest.approx(1)
    assert feature_scores.principal_dimensions(2048) == 1000
    assert feature_scores.principal_dimensions(640) == 320
