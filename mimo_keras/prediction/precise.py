"""NumPy versions of the mixture's prediction from member logits.

Everything is computed in float64 from log probabilities, so that all finite
logits, including bfloat16 ones, give finite results.
"""

import numpy as np

AVERAGES = ("probabilities", "logits")
"""What the members' average may be of."""


def log_softmax(logits):
    """Returns the log softmax over the last axis, (..., K) in float64."""
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_mixture(log_probabilities, log_weights, average="probabilities"):
    """Mixes the members: log p(y|x) = log sum_e w_e p_e(y|x).

    Probabilities are averaged (MIMO, section 2). If logits are, as in MixMo's
    code, log p(y|x) = log softmax(sum_e w_e logits_e)(y): members' logits and
    log probabilities differ by constants, so that either gives the same.

    Args:
        log_probabilities: The members' log probabilities, (..., E, K).
        log_weights: The log mixture weights, (E,); minus infinity is a weight
            of zero.
        average: "probabilities" or "logits".

    Returns:
        The log probabilities of the ensemble, (..., K).
    """
    log_weights = np.asarray(log_weights)[:, np.newaxis]
    if average == "logits":
        terms = np.exp(log_weights) * log_probabilities
        return log_softmax(np.sort(terms, axis=-2).sum(axis=-2))
    terms = log_probabilities + log_weights
    # In sorted order, so that the last bits, and with them ties between
    # classes, do not depend on the order of the members.
    terms = np.sort(terms, axis=-2)
    top = terms[..., -1:, :]
    total = np.exp(terms - top).sum(axis=-2)
    # Rounding must not make a probability exceed 1.
    return np.minimum(top[..., 0, :] + np.log(total), 0.0)


def moments(means, log_weights, stds=None):
    """Returns the mean and the standard deviation of a mixture of numbers.

    Args:
        means: The members' means, (n, E, d).
        log_weights: The log mixture weights, (E,).
        stds: The members' standard deviations, (n, E, d); None for 0, which
            leaves that of their means.

    Returns:
        Two arrays (n, d); the variance is the sum of the mean variance and of
        the means' variance.
    """
    weights = np.exp(log_weights)
    mean = np.einsum("e,bed->bd", weights, means)
    squares = np.square(means - mean[:, np.newaxis])
    if stds is not None:
        squares = squares + np.square(stds)
    return mean, np.sqrt(np.einsum("e,bed->bd", weights, squares))


def entropy(log_probabilities):
    """Returns -sum_k p_k log p_k in nats, (...,) from (..., K)."""
    return (np.exp(log_probabilities) * -log_probabilities).sum(axis=-1)


def mutual_information(log_probabilities, log_weights):
    """Returns the members' disagreement as information: H[mean] - mean H.

    Args:
        log_probabilities: The members' log probabilities, (..., E, K).
        log_weights: The log mixture weights, (E,).

    Returns:
        The mutual information between label and member in nats, (...,): from
        0, where all members predict the same, to at most log E.
    """
    mixture = log_mixture(log_probabilities, log_weights)
    expected = (entropy(log_probabilities) * np.exp(log_weights)).sum(axis=-1)
    # Rounding can make a difference of equal entropies slightly negative.
    return np.maximum(entropy(mixture) - expected, 0.0)
