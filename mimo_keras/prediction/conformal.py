"""Conformal scores and quantiles, in NumPy (float64)."""

import math

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_number

SCORES = ("lac", "aps", "raps")
"""Names of scores of a class."""


def quantile(scores, coverage):
    """Returns the quantile that covers a new example with a probability.

    It is the ⌈(n + 1) · coverage⌉-th smallest of the n scores: exchangeable
    examples are at most that with a probability of at least `coverage`.

    Args:
        scores: (n,).
        coverage: In (0, 1).

    Returns:
        A float; infinity if n examples are too few.

    Reference:
        Vovk et al., Algorithmic learning in a random world, 2005; Lei et al.,
        Distribution-free predictive inference for regression, JASA 2018,
        section 2.2.
    """
    rank = rank_of(len(scores), coverage)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def rank_of(count, coverage):
    """Returns ⌈(n + 1) · coverage⌉."""
    # 0.9 · 10 is 9.000000000000002 in another order of operations.
    return math.ceil((count + 1) * coverage - 1e-9)


def check_coverage(coverage, count):
    """Raises InputError unless n examples can give a coverage in (0, 1)."""
    if not is_number(coverage) or not 0 < coverage < 1:
        raise expected(
            "a coverage between 0 and 1",
            f"coverage={coverage!r}",
            "The usual is 0.9.",
        )
    if rank_of(count, coverage) > count:
        least = math.ceil(coverage / (1 - coverage) * (1 - 1e-9))
        raise expected(
            f"at least {least} held-out examples for coverage={coverage}",
            f"{count} examples",
            "Hold out more, or ask for less.",
        )


def class_scores(probabilities, score, draws=1.0, penalty=0.0, free=0):
    """Returns how badly each class fits each example.

    With classes in descending order of probability, of which class k is the
    r-th: "lac" is 1 - p_k; "aps" is the sum of the probabilities before k, and
    u · p_k; "raps" adds penalty · max(r - free, 0).

    Args:
        probabilities: (n, K).
        score: One of `SCORES`.
        draws: u, (n, 1) uniform in [0, 1) if the sets are randomized; else 1.
        penalty: λ of "raps".
        free: How many classes have no penalty.

    Returns:
        (n, K).

    Reference:
        "lac": Sadinle et al., Least ambiguous set-valued classifiers with
        bounded error levels, JASA 2019; "aps": Romano et al., Classification
        with valid and adaptive coverage, NeurIPS 2020; "raps": Angelopoulos
        et al., Uncertainty sets for image classifiers using conformal
        prediction, ICLR 2021, equation 4.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if score == "lac":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    before = np.cumsum(ordered, axis=1) - ordered
    rank = np.arange(1, probabilities.shape[1] + 1)
    extra = penalty * np.maximum(rank - free, 0) if score == "raps" else 0.0
    scores = np.empty_like(ordered)
    np.put_along_axis(scores, order, before + draws * ordered + extra, axis=1)
    return scores
