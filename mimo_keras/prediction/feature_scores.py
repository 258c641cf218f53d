"""Scores of features that are unlike known ones, in NumPy (float64)."""

import numpy as np

from mimo_keras.errors import expected

_RESOLVED = 1e-8
"""Variances below this share of the largest are left out: features are of
float32, so that such a direction holds as much rounding as signal."""
_FOLDS = 5


class Mahalanobis:
    """The least squared Mahalanobis distance to a class, min_c d²(x, μ_c).

    One covariance is shared by all classes, each centered at its mean. What
    does not vary among the examples is left out, as by a pseudoinverse.

    Args:
        features: (n, F).
        labels: (n,).

    Attributes:
        center: Mean of the features, (F,).
        whiten: (F, r): in (x - center) · whiten, d² is Euclidean.
        means: The classes' means there, (C, r).

    Reference:
        Lee et al., A simple unified framework for detecting out-of-distribution
        samples and adversarial attacks, NeurIPS 2018, equations 1 and 2.
    """

    def __init__(self, features, labels):
        self.center = features.mean(axis=0)
        classes, own = np.unique(labels, return_inverse=True)
        counts = np.bincount(own)[:, np.newaxis]
        sums = np.eye(len(classes))[own].T @ features
        means = sums / counts
        gaps = features - means[own]
        values, vectors = np.linalg.eigh(gaps.T @ gaps / len(features))
        kept = values > max(values[-1], 0) * _RESOLVED
        if not kept.any():
            raise expected(
                "features that vary within the classes",
                f"{len(features)} examples of {len(classes)} classes",
                "Pass more examples of each class.",
            )
        self.whiten = vectors[:, kept] / np.sqrt(values[kept])
        self.means = (means - self.center) @ self.whiten

    def score(self, features, logits=None):
        """Returns (n,) from (n, F)."""
        seen = (features - self.center) @ self.whiten
        gaps = [np.square(seen - mean).sum(axis=1) for mean in self.means]
        return np.min(gaps, axis=0)


class Neighbors:
    """The distance to the k-th nearest neighbor, of unit vectors.

    Args:
        features: (n, F).
        k: Which neighbor.

    Attributes:
        bank: The examples' features, scaled to length 1, (n, F).

    Reference:
        Sun et al., Out-of-distribution detection with deep nearest neighbors,
        ICML 2022, section 4.
    """

    def __init__(self, features, k):
        self.bank, self.k = unit(features), k

    def score(self, features, logits=None):
        """Returns (n,) from (n, F)."""
        found = []
        for part in np.array_split(unit(features), len(features) // 256 + 1):
            squares = np.square(part).sum(axis=1, keepdims=True)
            squares = squares + np.square(self.bank).sum(axis=1)
            squares -= 2 * part @ self.bank.T
            nearest = np.partition(squares, self.k - 1, axis=1)[:, self.k - 1]
            found.append(np.sqrt(np.maximum(nearest, 0)))
        return np.concatenate(found)


class VirtualLogit:
    """ViM: α ‖residual of x‖ - log Σ_k exp l_k.

    The residual is what the principal subspace of the examples leaves out, with
    the origin -(Wᵀ)⁺ b, from which the head's logits are Wᵀ x without bias.
    α makes the virtual logit as large as the largest logit on average.

    Args:
        features: (n, F).
        logits: The head's, (n, K).
        weight: W, (F, K).
        bias: b, (K,).
        dimensions: D, of the principal subspace.

    Attributes:
        origin: (F,).
        residual: Basis of what is left, (F, F - D).
        factor: α.

    Reference:
        Wang et al., ViM: out-of-distribution with virtual-logit matching, CVPR
        2022, section 4.
    """

    def __init__(self, features, logits, weight, bias, dimensions):
        self.origin = -np.linalg.pinv(weight.T) @ bias
        seen = features - self.origin
        _, vectors = np.linalg.eigh(seen.T @ seen)
        self.residual = vectors[:, : features.shape[1] - dimensions]
        lengths = np.linalg.norm(seen @ self.residual, axis=1)
        if lengths.mean() <= 1e-6 * np.linalg.norm(seen, axis=1).mean():
            raise expected(
                f"features that vary in more than {dimensions} dimensions",
                f"{len(features)} examples that do not",
                "Ask for fewer dimensions, or pass more examples.",
            )
        self.factor = logits.max(axis=1).mean() / lengths.mean()

    def score(self, features, logits):
        """Returns (n,) from (n, F) and (n, K)."""
        seen = (features - self.origin) @ self.residual
        top = logits.max(axis=1, keepdims=True)
        energy = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
        return self.factor * np.linalg.norm(seen, axis=1) - energy


def affine(features, logits):
    """Returns W (F, K) and b (K,) of least squares: logits ≈ Wᵀ x + b.

    Args:
        features: (n, F).
        logits: (n, K).
    """
    mean = features.mean(axis=0)
    weight, *_ = np.linalg.lstsq(
        features - mean, logits - logits.mean(axis=0), rcond=_RESOLVED**0.5
    )
    return weight, logits.mean(axis=0) - mean @ weight


def unit(features):
    """Returns features (n, F) scaled to length 1; zeros stay."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, 1e-10)


def unseen(fit, features, logits, labels):
    """Returns the scores of examples by what was fitted to others.

    Examples lie nearer to statistics that were fitted to themselves than new
    ones would. Each fifth is scored by a fit to the other four.

    Args:
        fit: Function from features (m, F), logits and labels to one of the
            classes here.
        features: (n, F).
        logits: (n, K).
        labels: (n,).

    Returns:
        (n,).
    """
    scores = np.empty(len(features))
    folds = np.random.default_rng(0).permutation(len(features)) % _FOLDS
    for fold in range(_FOLDS):
        own = folds == fold
        fitted = fit(features[~own], logits[~own], labels[~own])
        scores[own] = fitted.score(features[own], logits[own])
    return scores


def rank(features):
    """Returns in how many dimensions features (n, F) extend."""
    values = np.linalg.eigvalsh(features.T @ features)
    return int((values > max(values[-1], 0) * _RESOLVED).sum())


def principal_dimensions(width):
    """Returns D for F dimensions: as the authors of ViM, half for few."""
    return 1000 if width >= 2048 else 512 if width >= 768 else width // 2


def mixed(scores, log_weights):
    """Returns Σ_e w_e s_e, (n,) from G scores (n, G) of equal groups."""
    weights = np.exp(log_weights)
    by_group = weights.reshape(scores.shape[1], -1).sum(axis=1)
    return scores @ by_group
