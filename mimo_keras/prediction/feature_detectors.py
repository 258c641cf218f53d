"""Detectors of foreign images by features, inside the predictor."""

import numpy as np
from keras import ops

from mimo_keras.layers.registration import serializable
from mimo_keras.prediction.detecting import Detector


class FeatureDetector(Detector):
    """Base of what scores the features that the heads read.

    Adds what `Detector` says, and "member_ood_scores" (B, E).

    Args:
        sizes: Dictionary from the names of its weights, which are `fitted`, to
            their shapes.
        log_weights: The E log mixture weights.
        threshold: See `Detector`.
        fitted_on: See `Stage`.
    """

    reads_features = True

    def __init__(self, sizes, log_weights, threshold=None, **kwargs):
        super().__init__(log_weights, threshold, **kwargs)
        self.sizes = {name: [*map(int, sizes[name])] for name in sorted(sizes)}
        self.fitted = {
            name: self.add_weight(
                shape, "zeros", dtype="float32", trainable=False, name=name
            )
            for name, shape in self.sizes.items()
        }

    @classmethod
    def of(cls, values, log_weights, threshold=None, **kwargs):
        """Returns a detector of fitted values.

        Args:
            values: Dictionary from the weights' names to arrays.
            log_weights: See the class, like the others.
            threshold: See the class.
            **kwargs: See the class.
        """
        sizes = {name: np.shape(value) for name, value in values.items()}
        detector = cls(sizes, log_weights, threshold, **kwargs)
        for name, value in values.items():
            detector.fitted[name].assign(np.asarray(value, "float32"))
        return detector

    def scores(self, features, logits):
        """Returns (B, G) or (B, E) from features (B, G, F) and the logits."""
        raise NotImplementedError

    def call(self, outputs, logits, features):
        scores = self.scores(features, logits)
        return self.found(outputs, members=self._by_member(scores))

    def _by_member(self, values):
        """Returns for each of E members what its group has, (B, E, …)."""
        members, groups = len(self.log_weights), values.shape[1]
        own = np.arange(members) * groups // members
        return ops.take(values, own.astype("int32"), axis=1)

    def get_config(self):
        return {**super().get_config(), "sizes": self.sizes}


@serializable
class MahalanobisDetector(FeatureDetector):
    """Least squared Mahalanobis distance to a class.

    See `feature_scores.Mahalanobis`, whose "center" (G, F), "whiten" (G, F, r)
    and "means" (G, K, r) of each group of members it holds.

    Args:
        sizes: Dictionary from the names of its weights to their shapes.
        log_weights: The E log mixture weights.
        threshold: Above it, "is_foreign" (B,) is true; None for no such output.
        fitted_on: See `Stage`.

    Example:

    ```python
    logits = np.zeros((1, 1, 3), "float32")                  # (B, E, K)
    features = np.ones((1, 1, 2), "float32")                 # (B, G, F)
    stage = mimo_keras.prediction.MahalanobisDetector.of(
        {"center": np.zeros((1, 2)), "whiten": np.eye(2)[np.newaxis],
         "means": np.zeros((1, 3, 2))}, log_weights=[0.0])
    stage({}, logits, features)["ood_score"]                 # [2.0]
    ```

    Reference:
        Lee et al., A simple unified framework for detecting
        out-of-distribution samples and adversarial attacks, NeurIPS 2018,
        equation 2.
    """

    def scores(self, features, logits):
        seen = ops.swapaxes(features - self.fitted["center"], 0, 1)
        seen = ops.matmul(seen, self.fitted["whiten"])  # (G, B, r)
        means = ops.swapaxes(self.fitted["means"], 1, 2)
        squares = ops.sum(ops.square(seen), axis=-1, keepdims=True)
        own = ops.sum(ops.square(means), axis=1, keepdims=True)
        gaps = squares - 2.0 * ops.matmul(seen, means) + own
        return ops.transpose(ops.maximum(ops.min(gaps, axis=-1), 0.0))


@serializable
class NeighborDetector(FeatureDetector):
    """Distance to the k-th nearest neighbor, of features of length 1.

    See `feature_scores.Neighbors`, whose "bank" (G, n, F) of each group of
    members it holds.

    Args:
        neighbors: k.
        **kwargs: See `FeatureDetector`.

    Example:

    ```python
    logits = np.zeros((1, 1, 3), "float32")                  # (B, E, K)
    features = np.ones((1, 1, 2), "float32")                 # (B, G, F)
    stage = mimo_keras.prediction.NeighborDetector.of(
        {"bank": np.ones((1, 4, 2)) / 2**0.5}, log_weights=[0.0])
    stage({}, logits, features)["ood_score"]                 # (B,)
    ```

    Reference:
        Sun et al., Out-of-distribution detection with deep nearest neighbors,
        ICML 2022, section 4.
    """

    def __init__(self, *args, neighbors=1, **kwargs):
        super().__init__(*args, **kwargs)
        self.neighbors = int(neighbors)

    def scores(self, features, logits):
        lengths = ops.sqrt(ops.sum(ops.square(features), -1, keepdims=True))
        seen = features / ops.maximum(lengths, 1e-10)
        bank = ops.convert_to_tensor(self.fitted["bank"])
        groups = [
            self._to_neighbor(seen[:, group], bank[group])
            for group in range(bank.shape[0])
        ]
        return ops.stack(groups, axis=1)

    def _to_neighbor(self, seen, bank):
        near = ops.matmul(seen, ops.transpose(bank))
        _, places = ops.top_k(near, self.neighbors)
        # The difference itself: 2 - 2 · near has few digits where it is small.
        gaps = seen - ops.take(bank, places[:, -1], axis=0)
        return ops.sqrt(ops.sum(ops.square(gaps), axis=-1))

    def get_config(self):
        return {**super().get_config(), "neighbors": self.neighbors}


@serializable
class VirtualLogitDetector(FeatureDetector):
    """ViM's score of each member.

    See `feature_scores.VirtualLogit`, whose "origin" (E, F), "residual"
    (E, F, r) and "factor" (E,) of each member it holds.

    Args:
        sizes: Dictionary from the names of its weights to their shapes.
        log_weights: The E log mixture weights.
        threshold: Above it, "is_foreign" (B,) is true; None for no such output.
        fitted_on: See `Stage`.

    Example:

    ```python
    logits = np.zeros((1, 1, 3), "float32")                  # (B, E, K)
    features = np.ones((1, 1, 2), "float32")                 # (B, G, F)
    stage = mimo_keras.prediction.VirtualLogitDetector.of(
        {"origin": np.zeros((1, 2)), "residual": np.ones((1, 2, 1)),
         "factor": np.ones(1)}, log_weights=[0.0])
    stage({}, logits, features)["ood_score"]                 # (B,)
    ```

    Reference:
        Wang et al., ViM: out-of-distribution with virtual-logit matching, CVPR
        2022, section 4.
    """

    def scores(self, features, logits):
        seen = self._by_member(features) - self.fitted["origin"]
        rest = ops.matmul(ops.swapaxes(seen, 0, 1), self.fitted["residual"])
        lengths = ops.transpose(ops.sqrt(ops.sum(ops.square(rest), axis=-1)))
        return self.fitted["factor"] * lengths - ops.logsumexp(logits, axis=-1)
