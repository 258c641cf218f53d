"""Classification: exact metrics over a whole set, batch by batch."""

import numpy as np

from mimo_keras.errors import expected
from mimo_keras.evaluation import (
    calibration,
    diversity,
    selective,
)
from mimo_keras.evaluation.streaming import Sums
from mimo_keras.layers.arguments import bins
from mimo_keras.prediction import precise
from mimo_keras.prediction.prediction_checks import (
    checked_array,
    checked_average,
    checked_labels,
    checked_log_weights,
)

METRICS = ("accuracy", "nll", "ece", "brier", "brier_per_class")
"""Reported for every labelled set, corrupted and natural ones included."""


class Classification:
    """Metrics of an ensemble and of its members from member logits.

    The prediction is p(y|x) = sum_e w_e softmax(logits_e)(y), or with
    average="logits", softmax(sum_e w_e logits_e)(y). Every metric is exact over
    all examples, whatever the batch sizes.

    Args:
        num_classes: K.
        log_weights: The log mixture weights, (E,).
        num_bins: The number of bins of the calibration error.
        average: "probabilities" or "logits": what the prediction averages.

    Example:

    ```python
    metrics = mimo_keras.evaluation.Classification(10, predictor.log_weights)
    for start in (0, 32):
        part = slice(start, start + 32)
        metrics.update(model.predict_on_batch(images[part]), labels[part])
    metrics.result()["nll"] > 0                              # True
    ```
    """

    def __init__(
        self,
        num_classes,
        log_weights,
        num_bins=calibration.BINS,
        average="probabilities",
    ):
        if num_classes < 1:
            raise expected(
                "at least one class",
                f"num_classes={num_classes}",
                "Pass the number of columns of the logits.",
            )
        self.num_classes = num_classes
        self.num_bins = bins(num_bins)
        self.log_weights = checked_log_weights(log_weights)
        self.average = checked_average(average)
        self._sums = Sums()

    @property
    def count(self):
        """The number of examples seen."""
        return self._sums.count

    def update(self, logits, labels, mixture=None):
        """Adds a batch of any size.

        Args:
            logits: The members' logits, (b, E, K).
            labels: The class numbers, (b,).
            mixture: Log probabilities of the ensemble, (b, K), if they are not
                those of the members' mixture, such as calibrated ones.

        Raises:
            InputError: If shapes do not match, logits are not finite or labels
                are outside [0, K). Nothing is added then.
        """
        shape = (None, len(self.log_weights), self.num_classes)
        logits = checked_array("logits", logits, "(b, E, K)", shape)
        labels = checked_labels(labels, len(logits), self.num_classes)
        members = precise.log_softmax(logits)
        if mixture is None:
            mixture = precise.log_mixture(
                members, self.log_weights, self.average
            )
        confidence = mixture.max(axis=-1)
        correct = mixture.argmax(axis=-1) == labels
        self._sums.add(
            len(labels),
            {
                "correct": correct.sum(),
                "brier": brier_scores(np.exp(mixture), labels).sum(),
                "nll": -_at(mixture, labels).sum(),
                **_member_sums(members, labels),
                **calibration.bin_sums(
                    np.exp(confidence), correct, self.num_bins
                ),
                **selective.risk_sums(confidence, correct),
                **diversity.pair_sums(members),
            },
        )

    def merge(self, other):
        """Merges another accumulator, for parallel evaluation.

        Args:
            other: A `Classification` of the same classes, weights and bins.

        Returns:
            This accumulator.

        Raises:
            InputError: If classes, weights or bins differ.
        """
        if self._facts() != other._facts():
            raise expected(
                self._facts(),
                other._facts(),
                "Merge evaluations of the same model only.",
            )
        self._sums.merge(other._sums)
        return self

    def _facts(self):
        return (
            f"num_classes={self.num_classes}, num_bins={self.num_bins}, "
            f"log_weights={self.log_weights.tolist()}, average={self.average}"
        )

    def state(self):
        """Returns the accumulated sums as arrays by name, for a file."""
        return self._sums.state()

    def set_state(self, state):
        """Replaces what was seen by what `state` returned.

        Args:
            state: State of a `Classification` of the same classes, weights
                and bins.

        Returns:
            This accumulator.
        """
        self._sums.set_state(state)
        return self

    def result(self):
        """Returns the metrics of all examples so far.

        Returns:
            A flat dictionary: "accuracy"; "nll" in nats, computed from the
            logits as -logsumexp_e(log w_e + log p_e(y)) unless logits are
            averaged, never clipped; "ece"
            with `num_bins` bins; "brier" (see `brier_scores`: 0 to 2), and
            "brier_per_class", which is "brier" / K, the scale of MIMMO's
            tables; "nll_member_{e}" and "accuracy_member_{e}", and their means
            over the members as "nll_member_mean" and "accuracy_member_mean";
            and, for more than one member, "disagreement" and "kl".

        Raises:
            InputError: If there were no examples.
        """
        flat = self.ensemble()
        for name, values in self.members().items():
            flat |= by_member(name, values)
            flat[f"{name}_member_mean"] = float(values.mean())
        return flat

    def ensemble(self):
        """Returns those metrics of `result()` that are not of one member."""
        brier = float(self._sums.mean("brier"))
        return {
            "accuracy": float(self._sums.mean("correct")),
            "nll": float(self._sums.mean("nll")),
            "ece": self.reliability().error,
            "brier": brier,
            "brier_per_class": brier / self.num_classes,
            **self.diversity().means(),
        }

    def members(self):
        """Returns the members' metrics, {"nll": (E,), "accuracy": (E,)}."""
        return {
            "nll": self._sums.mean("member_nll"),
            "accuracy": self._sums.mean("member_correct"),
        }

    def reliability(self):
        """Returns the `calibration.Reliability` of the ensemble."""
        return calibration.reliability(self._sums)

    def risk_coverage(self):
        """Returns the `selective.RiskCoverage` of the ensemble."""
        return selective.risk_coverage(
            self._sums.total("risk_count"), self._sums.total("risk_wrong")
        )

    def diversity(self):
        """Returns the `diversity.Diversity` of the members."""
        return diversity.diversity(self._sums)


def brier_scores(probabilities, labels):
    """Returns the Brier score of each example: sum_k (p_k - [y = k])^2.

    This is Brier's original score, summed over the classes: 0 is best, 2 is
    certainty in a wrong class. Some libraries halve it or divide it by K.

    Args:
        probabilities: The predicted probabilities, (b, K).
        labels: The class numbers, (b,).

    Returns:
        The scores, (b,).
    """
    one_hot = np.eye(probabilities.shape[-1])[labels]
    return ((probabilities - one_hot) ** 2).sum(axis=-1)


def by_member(name, values):
    """Returns {"<name>_member_<e>": value} for values (E,)."""
    return {f"{name}_member_{e}": float(v) for e, v in enumerate(values)}


def _member_sums(members, labels):
    """Returns each member's summed NLL and number of hits, (E,)."""
    correct = members.argmax(axis=-1) == labels[:, np.newaxis]
    nll = -_at(np.moveaxis(members, 1, -1), labels)
    return {
        "member_nll": nll.sum(axis=0),
        "member_correct": correct.sum(axis=0),
    }


def _at(values, labels):
    """Returns values[i, labels[i]] for each row i, (b, ...) of (b, K, ...)."""
    return values[np.arange(len(labels)), labels]
