"""Scores of images that are unlike the training images, from the logits."""

import numpy as np
from keras import ops

from mimo_keras.errors import closest, expected
from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.stages import Stage


def _energy(logits):
    return -ops.logsumexp(logits, axis=-1)


def _max_logit(logits):
    return -ops.max(logits, axis=-1)


OF_MEMBERS = {"energy": _energy, "max_logit": _max_logit}
"""Scores of each member, which are averaged by the mixture weights."""
OF_MIXTURES = {
    "max_probability": lambda outputs: (
        1.0 - ops.max(outputs["probabilities"], axis=-1)
    ),
    "entropy": lambda outputs: outputs["entropy"],
    "mutual_information": lambda outputs: outputs["mutual_information"],
}
"""Scores of the ensemble's prediction."""
SCORES = (*OF_MEMBERS, *OF_MIXTURES)
OF_FEATURES = ("mahalanobis", "knn", "vim")
"""Scores of the heads' inputs, which `FeatureDetector`s compute."""


class Detector(Stage):
    """Base of what adds "ood_score" (B,), higher for foreign images.

    Args:
        log_weights: The E log mixture weights.
        threshold: Above it, "is_foreign" (B,) is true; None for no such output.
        fitted_on: See `Stage`.
    """

    def __init__(self, log_weights, threshold=None, **kwargs):
        super().__init__(**kwargs)
        self.log_weights = [float(weight) for weight in log_weights]
        self.threshold = threshold

    def found(self, outputs, score=None, members=None):
        """Returns the outputs with those of this detector.

        Args:
            outputs: See `Stage`.
            score: (B,); or None for the mean of those of the members.
            members: Scores of the members, (B, E), which become
                "member_ood_scores"; or None.
        """
        found = dict(outputs)
        if members is not None:
            weights = np.exp(self.log_weights).astype("float32")
            found["member_ood_scores"] = members
            score = ops.einsum(
                "e,be->b", ops.convert_to_tensor(weights), members
            )
        found["ood_score"] = score
        if self.threshold is not None:
            # As in `Abstention`: true for NaN.
            known = score <= np.float32(self.threshold)
            found["is_foreign"] = ops.where(known, False, True)
        return found

    def get_config(self):
        return {
            **super().get_config(),
            "log_weights": self.log_weights,
            "threshold": self.threshold,
        }


@serializable
class LogitDetector(Detector):
    """Adds "ood_score" (B,), higher for what is unlike the training images.

    Scores of members also add "member_ood_scores" (B, E), whose mean under the
    mixture weights is "ood_score".

    Args:
        score: "energy", -log Σ_k exp l_k; "max_logit", -max_k l_k; or, of the
            mixture, "max_probability" (1 minus it), "entropy" or
            "mutual_information".
        log_weights: The E log mixture weights.
        threshold: Above it, "is_foreign" (B,) is true; None for no such output.
        fitted_on: See `Stage`.

    Example:

    ```python
    logits = np.array([[[2.0, 0.0]]], "float32")             # (B, E, K)
    outputs = {"probabilities": np.array([[0.88, 0.12]], "float32")}
    stage = mimo_keras.prediction.LogitDetector("max_logit", log_weights=[0.0])
    stage(outputs, logits)["ood_score"]                      # [-2.0]
    ```

    Reference:
        Liu et al., Energy-based out-of-distribution detection, NeurIPS 2020,
        equation 4; Hendrycks et al., Scaling out-of-distribution detection for
        real-world settings, ICML 2022, section 3; Hendrycks and Gimpel, A
        baseline for detecting misclassified and out-of-distribution examples,
        ICLR 2017.
    """

    def __init__(self, score, log_weights, threshold=None, **kwargs):
        super().__init__(log_weights, threshold, **kwargs)
        if not isinstance(score, str) or score not in SCORES:
            raise expected(
                "a score among " + ", ".join((*SCORES, *OF_FEATURES)),
                f"score={score!r}",
                closest(score, (*SCORES, *OF_FEATURES)),
            )
        self.score = score

    def call(self, outputs, logits):
        if self.score in OF_MEMBERS:
            members = OF_MEMBERS[self.score](logits)
            return self.found(outputs, members=members)
        return self.found(outputs, OF_MIXTURES[self.score](outputs))

    def get_config(self):
        return {**super().get_config(), "score": self.score}
