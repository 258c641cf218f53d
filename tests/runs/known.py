"""A NumPy network whose logits are its input images."""

import numpy as np

from mimo_keras import data
from uncertainty_runs.evaluation.predict import PreparedNetwork

WEIGHTS = np.array([0.25, 0.75])
MEMBERS, CLASSES = 2, 3


def network(seen=None, fingerprint="one"):
    """Returns a `PreparedNetwork` of two members.

    Args:
        seen: List to which batch sizes are appended; None for none.
        fingerprint: Its fingerprint.
    """

    def logits(images):
        if seen is not None:
            seen.append(len(images))
        return images[..., 0]

    return PreparedNetwork(
        logits=logits,
        log_weights=tuple(np.log(WEIGHTS)),
        num_classes=CLASSES,
        costs={"params": 6, "multiply_adds": 3, "flops": 6},
        kept=1.0,
        sharing={},
        fingerprint=fingerprint,
    )


def examples(seed, count=5, num_classes=CLASSES):
    """Returns examples whose images (count, 2, 3, 1) are logits."""
    draw = np.random.default_rng(seed)
    images = draw.normal(size=(count, MEMBERS, CLASSES, 1))
    labels = draw.integers(0, num_classes or CLASSES, count)
    return data.Examples(
        f"set {seed}", images.astype(np.float32), labels, num_classes
    )


def mixture(found):
    """Returns the probabilities (n, 3) of the ensemble on examples."""
    p = np.exp(found.images[..., 0].astype(np.float64))
    return np.einsum("e,nek->nk", WEIGHTS, p / p.sum(-1, keepdims=True))
