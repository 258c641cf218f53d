"""Abstains from predictions that are not confident enough."""

import math
from typing import NamedTuple

import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_number
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.stages import Stage

DELTA = 0.05
"""Default probability with which a bound may fail."""


@serializable
class Abstention(Stage):
    """Adds "abstain" (B,): whether the largest probability is too small.

    It abstains for an image that is not finite.

    Args:
        confidence: The least confidence that is answered.
        fitted_on: See `Stage`; with "coverage", "risk" and "risk_bound" of the
            answers among the examples.

    Example:

    ```python
    outputs = {"probabilities": np.array([[0.7, 0.2, 0.1]], "float32")}
    stage = mimo_keras.prediction.Abstention(confidence=0.8)
    stage(outputs, None)["abstain"]                          # [True]
    ```

    Reference:
        Geifman and El-Yaniv, Selective classification for deep neural
        networks, NeurIPS 2017: a threshold on the largest softmax output.
    """

    def __init__(self, confidence, **kwargs):
        super().__init__(**kwargs)
        self.confidence = float(confidence)

    def call(self, outputs, logits):
        confidence = ops.max(outputs["probabilities"], axis=-1)
        # False for NaN. TensorFlow turns "not at least" into "less", which is
        # false for NaN as well.
        enough = confidence >= np.float32(self.confidence)
        return {**outputs, "abstain": ops.where(enough, False, True)}

    def get_config(self):
        return {**super().get_config(), "confidence": self.confidence}


class Choice(NamedTuple):
    """A threshold, and how the answers above it do.

    Attributes:
        confidence: The least confidence that is answered.
        coverage: The share of the examples that are answered.
        risk: The share of wrong ones among these.
        risk_bound: Upper bound of the risk on new examples.
    """

    confidence: float
    coverage: float
    risk: float
    risk_bound: float


def upper_bound(wrong, count, delta=DELTA):
    """Returns the upper Clopper-Pearson bound of an error rate.

    Args:
        wrong: Number of errors.
        count: Number of examples, at least 1.
        delta: Probability with which the true rate may be above it.

    Reference:
        Clopper and Pearson, The use of confidence or fiducial limits
        illustrated in the case of the binomial, Biometrika 1934.
    """
    from scipy.stats import beta

    if wrong == count:
        return 1.0
    return float(beta.ppf(1 - delta, wrong + 1, count - wrong))


def for_risk(confidence, correct, risk, delta=DELTA):
    """Returns the `Choice` that answers most at no more than a given risk.

    The bound holds with probability 1 - delta: a binary search tries at most
    t = ⌊log2 n⌋ + 1 thresholds, each of which may fail with delta / t.

    Args:
        confidence: (n,).
        correct: (n,), booleans.
        risk: The error rate that new answers may have, in (0, 1).
        delta: The probability of more.

    Raises:
        InputError: No threshold has such a bound.

    Reference:
        Geifman and El-Yaniv, Selective classification for deep neural
        networks, NeurIPS 2017, algorithm 1.
    """
    check_share("risk", risk)
    check_share("delta", delta)
    order = np.argsort(-confidence, kind="stable")
    ends, wrong = _groups(confidence[order], correct[order])
    tries = len(ends).bit_length()
    low, high, best = 0, len(ends) - 1, None
    while low <= high:
        middle = (low + high) // 2
        bound = upper_bound(wrong[middle], ends[middle], delta / tries)
        if bound <= risk:
            best, low = (middle, bound), middle + 1
        else:
            high = middle - 1
    if best is None:
        least = math.ceil(math.log(delta / tries) / math.log1p(-risk))
        raise expected(
            f"examples that allow for a risk of {risk}",
            f"{len(confidence)} examples, of which {int((~correct).sum())} "
            "are predicted wrongly",
            f"Ask for a larger risk, or hold out more: {least} answers without "
            "an error are the least that show it.",
        )
    return _choice(confidence[order], ends, wrong, *best)


def for_coverage(confidence, correct, coverage, delta=DELTA):
    """Returns the `Choice` that answers at least a share of the examples.

    Args:
        confidence: (n,).
        correct: (n,), booleans.
        coverage: In (0, 1].
        delta: Probability with which the risk may be above its bound.

    Raises:
        InputError: The coverage is not in (0, 1].
    """
    if coverage != 1:
        check_share("coverage", coverage)
    check_share("delta", delta)
    order = np.argsort(-confidence, kind="stable")
    ends, wrong = _groups(confidence[order], correct[order])
    wanted = math.ceil(coverage * len(confidence) - 1e-9)
    index = int(np.searchsorted(ends, wanted))
    bound = upper_bound(wrong[index], ends[index], delta)
    return _choice(confidence[order], ends, wrong, index, bound)


def _groups(confidence, correct):
    """Returns how many examples, and errors, each threshold answers.

    Examples of equal confidence are answered together.
    """
    last = np.append(confidence[1:] != confidence[:-1], True)
    return np.flatnonzero(last) + 1, np.cumsum(~correct)[last]


def _choice(confidence, ends, wrong, index, bound):
    count = int(ends[index])
    return Choice(
        float(confidence[count - 1]),
        count / len(confidence),
        int(wrong[index]) / count,
        bound,
    )


def check_share(name, value):
    """Raises InputError unless a number is between 0 and 1."""
    if not is_number(value) or not 0 < value < 1:
        raise expected(
            f"{name} between 0 and 1", f"{name}={value!r}", "Pass a fraction."
        )
