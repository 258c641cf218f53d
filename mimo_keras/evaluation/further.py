"""Further measures of a classifier's probabilities, batch by batch."""

import numpy as np

from mimo_keras.evaluation import calibration, selective
from mimo_keras.evaluation.streaming import Sums


class Further:
    """Calibration errors by other bins, the parts of Brier's score, and risk.

    Args:
        num_classes: K.
        num_bins: Number of bins of the calibration errors.
    """

    def __init__(self, num_classes, num_bins=calibration.BINS):
        self.num_classes, self.num_bins = num_classes, num_bins
        self._sums = Sums()
        self._confidence, self._correct = [], []

    def update(self, probabilities, labels):
        """Adds a batch.

        Args:
            probabilities: (b, K), float64.
            labels: Class indices, (b,).
        """
        predicted = probabilities.argmax(axis=1)
        self._confidence.append(probabilities.max(axis=1))
        self._correct.append(predicted == labels)
        shape = (self.num_classes, self.num_bins)
        places = calibration.bin_of(probabilities, self.num_bins)
        places += self.num_bins * np.arange(self.num_classes)
        hits = np.arange(self.num_classes) == labels[:, np.newaxis]
        confused, forecast = np.zeros((2, self.num_classes, self.num_classes))
        np.add.at(confused, (predicted, labels), 1)
        np.add.at(forecast, predicted, probabilities)
        self._sums.add(
            len(labels),
            {
                "class_gap": np.bincount(
                    places.ravel(),
                    weights=(probabilities - hits).ravel(),
                    minlength=np.prod(shape),
                ).reshape(shape),
                "confused": confused,
                "forecast": forecast,
                "squares": np.square(probabilities).sum(),
            },
        )

    def result(self):
        """Returns the measures of all examples so far.

        Returns:
            A flat dictionary. "adaptive_ece": as the ECE, in bins of equally
            many examples. "classwise_ece": the mean over the classes of the
            ECE of each class's probability. "brier_uncertainty",
            "brier_resolution" and "brier_reliability", given the predicted
            class: the Brier score is about the first, minus the second, plus
            the third; what is missing is how probabilities and labels vary
            together within one predicted class. "aurc" and "augrc": the mean,
            over all coverages, of the error rate among the answers, and of the
            errors as a share of all examples.

        Reference:
            Nixon et al., Measuring calibration in deep learning, CVPR
            Workshops 2019; Kull et al., Beyond temperature scaling, NeurIPS
            2019, section 2; Bröcker, Reliability, sufficiency, and the
            decomposition of proper scores, QJRMS 2009; Geifman et al.,
            Bias-reduced uncertainty estimation, ICLR 2019; Traub et al.,
            Overcoming common flaws in the evaluation of selective
            classification systems, NeurIPS 2024.
        """
        confidence = np.concatenate(self._confidence)
        correct = np.concatenate(self._correct)
        gaps = np.abs(self._sums.mean("class_gap")).sum(axis=1)
        return {
            "adaptive_ece": adaptive_ece(confidence, correct, self.num_bins),
            "classwise_ece": float(gaps.mean()),
            **self._brier_parts(),
            **risk_areas(confidence, correct),
        }

    def _brier_parts(self):
        confused = self._sums.mean("confused")
        share = confused.sum(axis=1, keepdims=True)
        frequencies = confused.sum(axis=0)
        given = np.divide(
            confused, share, where=share > 0, out=np.zeros_like(confused)
        )
        spread = np.square(given - frequencies).sum(axis=1)
        # The mean of |p - given|², where `given` is of p's predicted class.
        forecast = self._sums.mean("forecast")
        reliability = (share * given**2 - 2 * forecast * given).sum()
        return {
            "brier_uncertainty": float(1 - np.square(frequencies).sum()),
            "brier_resolution": float((share[:, 0] * spread).sum()),
            "brier_reliability": float(
                self._sums.mean("squares") + reliability
            ),
        }


def adaptive_ece(confidence, correct, bins=calibration.BINS):
    """Returns the calibration error in bins of equally many examples.

    Args:
        confidence: (n,).
        correct: (n,), booleans.
        bins: Number of bins; those without examples do not count.
    """
    order = np.argsort(confidence, kind="stable")
    gaps = (confidence - correct)[order]
    parts = np.array_split(gaps, bins)
    return float(sum(abs(part.sum()) for part in parts) / len(gaps))


def risk_areas(confidence, correct):
    """Returns "aurc" and "augrc".

    Args:
        confidence: (n,). Among equal ones, all orders are averaged.
        correct: (n,), booleans.
    """
    _, places = np.unique(-confidence, return_inverse=True)
    count = np.bincount(places)
    wrong = np.bincount(places, weights=~correct)
    errors = np.cumsum(np.repeat(wrong / count, count))
    return {
        "aurc": selective.risk_coverage(count, wrong).area,
        "augrc": float(errors.mean() / len(errors)),
    }
