"""The mixture of members that predict labels which do not exclude others."""

import dataclasses

from keras import ops

from mimo_keras.layers import mixtures
from mimo_keras.layers.registration import serializable


@serializable
@dataclasses.dataclass(frozen=True)
class BernoulliMixture(mixtures.Mixture):
    """For logits (B, E, K): p(y_k = 1|x) = Σ_e w_e · sigmoid(logits_ek).

    The dictionary has "probabilities" (B, K), "member_probabilities" (B, E, K),
    and for each label "entropy" (B, K) of the mixture and "mutual_information"
    (B, K) between member and label; both in nats.

    Example:

    ```python
    logits = np.array([[[5.0, 0.0], [-5.0, 0.0]]], "float32")  # Two members.
    mixture = mimo_keras.layers.BernoulliMixture()
    found = mixture.predictions(logits, np.array([0.5, 0.5], "float32"))
    probabilities = found["probabilities"]                   # [[0.5, 0.5]]
    ```
    """

    def activated(self, outputs):
        return ops.sigmoid(outputs)

    def predictions(self, outputs, weights):
        members, others = ops.sigmoid(outputs), ops.sigmoid(-outputs)
        mixture = mixtures.average(members, weights)
        # 1 - p would lose small probabilities of the label 0.
        total = _entropy(mixture, mixtures.average(others, weights))
        within = mixtures.average(_entropy(members, others), weights)
        return {
            "probabilities": mixture,
            "member_probabilities": members,
            "entropy": total,
            "mutual_information": ops.maximum(total - within, 0.0),
        }


def _entropy(probabilities, others):
    both = ops.stack([probabilities, others], axis=-1)
    return mixtures.entropy(both)
