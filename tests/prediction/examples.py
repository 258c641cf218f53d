"""Predictions and labels to fit to, without any network."""

import numpy as np

WEIGHTS = np.log([0.5, 0.3, 0.2])


def predicted(count=400, classes=4, scale=3.0, seed=0):
    """Returns overconfident logits (n, 3, K) and labels (n,)."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(classes, size=count)
    # Members agree in most of their errors.
    logits = draw.normal(size=(count, 1, classes))
    logits += 1.5 * np.eye(classes)[labels][:, np.newaxis]
    logits = logits + draw.normal(scale=0.2, size=(count, 3, classes))
    return scale * logits, labels


def mixture(logits, weights=WEIGHTS):
    """Returns Σ_e w_e softmax(logits_e), in plain NumPy."""
    members = np.exp(logits - logits.max(axis=-1, keepdims=True))
    members /= members.sum(axis=-1, keepdims=True)
    return np.einsum("e,bek->bk", np.exp(weights), members)


def softmax(scores):
    values = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)
