"""Calibration errors, as Keras metrics."""

import numpy as np
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.registration import serializable
from mimo_keras.metrics.streamed import Streamed

BINS = 15
"""Default number of bins."""
_GROUPS_PER_DECADE = 4096
_DECADES = 16
GROUPS = _GROUPS_PER_DECADE * _DECADES
"""How many values of 1 - p, on a logarithmic scale, are told apart."""


class _Binned(Streamed):
    """Sums of p - [correct] in bins.

    Args:
        num_bins: Number of bins.
        from_logits: See `Streamed`.
        name: Its name.
        dtype: Of the sums.
    """

    def __init__(self, num_bins, from_logits, name, dtype):
        super().__init__(from_logits, name, dtype)
        self.num_bins = arguments.bins(num_bins)

    def get_config(self):
        return {**super().get_config(), "num_bins": self.num_bins}


@serializable
class ExpectedCalibrationError(_Binned):
    """ECE = Σ_i n_i / n |accuracy_i - confidence_i| over bins of confidence.

    Bins are of equal width, as for "ece" of `mimo_keras.evaluate`, to which it
    is equal.

    Args:
        num_bins: Number of bins.
        from_logits: See `Streamed`, also for the arguments of `update_state`.
        name: Its name.
        dtype: Of the sums.

    Example:

    ```python
    model.compile(metrics=[mimo_keras.metrics.ExpectedCalibrationError()])
    ```

    Reference:
        Guo et al., On calibration of modern neural networks, ICML 2017,
        equation 3.
    """

    def __init__(
        self, num_bins=BINS, from_logits=False, name="ece", dtype=None
    ):
        super().__init__(num_bins, from_logits, name, dtype)
        self.gaps = self.add_sums("gaps", (self.num_bins,))

    def update(self, targets, predictions, weights):
        confidence, _, gaps = _of_answers(
            self.probabilities(predictions), targets
        )
        places = _bin_of(confidence, self.num_bins)
        self.gaps.assign_add(_sums(weights * gaps, places, self.num_bins))

    def result(self):
        """Returns the error; 0 before any example."""
        return ops.divide_no_nan(ops.sum(ops.abs(self.gaps)), self.total)


@serializable
class ClasswiseCalibrationError(_Binned):
    """Mean over the classes of the calibration error of each probability.

    Equal to "classwise_ece" of `mimo_keras.evaluate`.

    Args:
        num_classes: K.
        num_bins: Number of bins of each class.
        from_logits: See `Streamed`, also for the arguments of `update_state`.
        name: Its name.
        dtype: Of the sums.

    Example:

    ```python
    metric = mimo_keras.metrics.ClasswiseCalibrationError(num_classes=10)
    ```

    Reference:
        Kull et al., Beyond temperature scaling, NeurIPS 2019, section 2.
    """

    def __init__(
        self,
        num_classes,
        num_bins=BINS,
        from_logits=False,
        name="classwise_ece",
        dtype=None,
    ):
        super().__init__(num_bins, from_logits, name, dtype)
        self.num_classes = arguments.whole("num_classes", num_classes, 2)
        self.gaps = self.add_sums("gaps", (self.num_classes, self.num_bins))

    def update(self, targets, predictions, weights):
        probabilities = self.probabilities(predictions)
        if probabilities.shape[-1] != self.num_classes:
            raise expected(
                f"predictions of {self.num_classes} classes",
                f"{probabilities.shape[-1]}",
                "Pass the number of columns as num_classes.",
            )
        count = self.num_classes * self.num_bins
        places = _bin_of(probabilities, self.num_bins)
        places += self.num_bins * ops.arange(self.num_classes, dtype="int32")
        gaps = weights[:, None] * (probabilities - targets)
        sums = _sums(
            ops.reshape(gaps, (-1,)), ops.reshape(places, (-1,)), count
        )
        self.gaps.assign_add(ops.reshape(sums, self.gaps.shape))

    def result(self):
        """Returns the error; 0 before any example."""
        error = ops.sum(ops.abs(self.gaps)) / self.num_classes
        return ops.divide_no_nan(error, self.total)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@serializable
class AdaptiveCalibrationError(_Binned):
    """Calibration error in bins of equally many examples.

    The bins are known only after the last example, so examples are kept as sums
    in 65536 groups of similar confidence, 4096 for each decade of 1 - p: up to
    0.06% of it apart. Bins are cut between groups; a group that a cut falls
    into is divided in proportion. "adaptive_ece" of `mimo_keras.evaluate` sorts
    all examples instead. Both are equal where examples differ by more; where
    many differ by less, chance cancels within a group, and this one is lower.
    Weights whose sum is no whole number have bins of equal weight.

    Args:
        num_bins: Number of bins.
        from_logits: See `Streamed`, also for the arguments of `update_state`.
        name: Its name.
        dtype: Of the sums.

    Example:

    ```python
    model.compile(metrics=[mimo_keras.metrics.AdaptiveCalibrationError()])
    ```

    Reference:
        Nixon et al., Measuring calibration in deep learning, CVPR Workshops
        2019.
    """

    def __init__(
        self, num_bins=BINS, from_logits=False, name="adaptive_ece", dtype=None
    ):
        super().__init__(num_bins, from_logits, name, dtype)
        self.gaps = self.add_sums("gaps", (GROUPS,))
        self.counts = self.add_sums("counts", (GROUPS,))

    def update(self, targets, predictions, weights):
        probabilities = self.probabilities(predictions)
        _, doubt, gaps = _of_answers(probabilities, targets)
        places = _group_of(doubt)
        self.gaps.assign_add(_sums(weights * gaps, places, GROUPS))
        self.counts.assign_add(_sums(weights, places, GROUPS))

    def result(self):
        """Returns the error; 0 before any example."""
        counts = ops.convert_to_tensor(self.counts)
        ends = ops.cumsum(counts)
        cuts = self._cuts(ends[-1])
        # Share of each group that lies before each cut, (bins + 1, GROUPS).
        before = cuts[:, None] - (ends - counts)
        shares = ops.clip(ops.divide_no_nan(before, counts), 0.0, 1.0)
        sums = ops.sum((shares[1:] - shares[:-1]) * self.gaps, axis=1)
        return ops.divide_no_nan(ops.sum(ops.abs(sums)), self.total)

    def _cuts(self, total):
        """Returns where bins begin and end, in examples, (bins + 1,)."""
        places = ops.arange(self.num_bins + 1, dtype=self.dtype)
        # As `np.array_split` does: the first bins are one larger.
        each = ops.floor(total / self.num_bins)
        larger = total - each * self.num_bins
        whole = each * places + ops.minimum(places, larger)
        equal = total * places / self.num_bins
        return ops.where(ops.equal(total, ops.floor(total)), whole, equal)


def _of_answers(probabilities, targets):
    """Returns p of the predicted class, 1 - p, and p - [correct], (N,)."""
    top = ops.argmax(probabilities, axis=-1)
    chosen = ops.one_hot(top, probabilities.shape[-1], dtype="bool")
    confidence = ops.max(probabilities, axis=-1)
    # Near 1, the sum of the others has more digits than 1 - p.
    zero = ops.zeros_like(probabilities)
    doubt = ops.sum(ops.where(chosen, zero, probabilities), axis=-1)
    correct = ops.sum(ops.where(chosen, targets, zero), axis=-1)
    return confidence, doubt, confidence - correct


def _bin_of(confidence, bins):
    """Returns floor(n p), with p = 1 in the last bin, in float32."""
    scaled = np.float32(bins) * ops.cast(confidence, "float32")
    return ops.clip(ops.cast(ops.floor(scaled), "int32"), 0, bins - 1)


def _group_of(doubt):
    """Returns the group of each 1 - p, the least confident first."""
    doubt = ops.maximum(ops.cast(doubt, "float32"), 10.0**-_DECADES)
    places = (ops.log10(doubt) + _DECADES) * _GROUPS_PER_DECADE
    places = ops.clip(ops.cast(ops.floor(places), "int32"), 0, GROUPS - 1)
    return GROUPS - 1 - places


def _sums(values, places, count):
    return ops.segment_sum(values, places, num_segments=count)
