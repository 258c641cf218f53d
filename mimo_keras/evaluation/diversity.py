"""How differently the members predict (MIMO, section 3.2)."""

from typing import NamedTuple

import numpy as np


class Diversity(NamedTuple):
    """Distances between pairs of members, averaged over the examples.

    The paper defines the disagreement as the indicator of *equal* predicted
    classes, but states in the next sentence that it is 0 for members that
    predict the same; here it is the fraction of examples on which they differ.

    Attributes:
        disagreement: The fraction of examples where the predicted classes of
            members i and j differ, (E, E); symmetric, zero diagonal.
        kl: E_{p_i}[log p_i - log p_j] in nats, (E, E); zero diagonal.

    Example:

    ```python
    metrics = mimo_keras.evaluation.Classification(10, predictor.log_weights)
    metrics.update(predictor.member_logits(images), labels)
    metrics.diversity().disagreement.shape                   # (2, 2)
    ```

    Reference:
        Havasi et al., ICLR 2021, section 3.2; Fort, Hu and Lakshminarayanan,
        Deep ensembles: a loss landscape perspective, 2019.
    """

    disagreement: np.ndarray
    kl: np.ndarray

    def means(self):
        """Returns both distances, averaged over the pairs of members.

        The disagreement is symmetric, so its averages over ordered and
        unordered pairs are equal; KL is averaged over ordered pairs.

        Returns:
            {"disagreement": float, "kl": float}; empty for one member, which
            forms no pair.
        """
        return {
            **pair_mean("disagreement", self.disagreement),
            **pair_mean("kl", self.kl),
        }


def pair_mean(name, values):
    """Returns {name: mean over pairs of members} of values (E, E).

    Args:
        name: The measure.
        values: (E, E), with a zero diagonal.

    Returns:
        The dictionary; empty for one member, which forms no pair.
    """
    members = len(values)
    if members == 1:
        return {}
    return {name: float(values.sum() / (members * (members - 1)))}


def pair_sums(log_probabilities):
    """Returns the sums over one batch that `diversity` needs.

    Args:
        log_probabilities: The members' log probabilities, (b, E, K).

    Returns:
        A dictionary of arrays (E, E).
    """
    classes = log_probabilities.argmax(axis=-1)
    differ = classes[:, :, np.newaxis] != classes[:, np.newaxis, :]
    probabilities = np.exp(log_probabilities)
    # One member at a time: (b, E, E, K) may not fit in memory for ImageNet.
    # Subtract the logs first, so that equal members give exactly 0.
    kl = [
        np.einsum("bk,bjk->j", p, log_p[:, np.newaxis] - log_probabilities)
        for p, log_p in zip(
            np.moveaxis(probabilities, 1, 0),
            np.moveaxis(log_probabilities, 1, 0),
            strict=True,
        )
    ]
    return {"pair_differ": differ.sum(axis=0), "pair_kl": np.stack(kl)}


def diversity(sums):
    """Returns the `Diversity` of all examples.

    Args:
        sums: A `streaming.Sums` to which `pair_sums` were added.

    Returns:
        The matrices over pairs of members.
    """
    return Diversity(sums.mean("pair_differ"), sums.mean("pair_kl"))
