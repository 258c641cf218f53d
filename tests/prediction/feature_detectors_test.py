"""Layers of feature scores: by hand, with one group for all members."""

import keras
import numpy as np
import pytest

from mimo_keras.prediction import (
    MahalanobisDetector,
    NeighborDetector,
    VirtualLogitDetector,
)

WEIGHTS = np.log([0.25, 0.75])
LOGITS = np.log([[[1.0, 3.0], [2.0, 2.0]]]).astype("float32")


def found(detector, features):
    features = np.array([[features]], "float32")
    outputs = detector({}, LOGITS, features)
    return {k: keras.ops.convert_to_numpy(v)[0] for k, v in outputs.items()}


def test_mahalanobis():
    values = {
        "center": [[1.0, 1.0]],
        "whiten": [[[2.0, 0.0], [0.0, 1.0]]],
        "means": [[[0.0, 0.0], [6.0, 0.0]]],
    }
    scores = found(MahalanobisDetector.of(values, WEIGHTS, 4.9), [3.0, 2.0])
    # (4, 1) is nearer to (6, 0).
    np.testing.assert_allclose(scores["member_ood_scores"], [5, 5])
    assert scores["ood_score"] == pytest.approx(5) and scores["is_foreign"]


@pytest.mark.parametrize(("k", "gap"), [(1, 0.0), (2, 2**0.5), (3, 2.0)])
def test_neighbors(k, gap):
    values = {"bank": [[[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]]]}
    detector = NeighborDetector.of(values, WEIGHTS, neighbors=k)
    scores = found(detector, [5.0, 0.0])
    assert scores["ood_score"] == pytest.approx(gap, abs=1e-6)
    assert "is_foreign" not in scores
    assert NeighborDetector.from_config(detector.get_config()).neighbors == k


def test_virtual_logit():
    values = {
        "origin": [[1.0, 0.0], [0.0, 0.0]],
        "residual": [[[1.0], [0.0]], [[0.0], [1.0]]],
        "factor": [2.0, 3.0],
    }
    scores = found(VirtualLogitDetector.of(values, WEIGHTS), [5.0, 7.0])
    wanted = np.array([2 * 4, 3 * 7]) - np.log(4)
    np.testing.assert_allclose(scores["member_ood_scores"], wanted, rtol=1e-6)
    np.testing.assert_allclose(
        scores["ood_score"], wanted @ [0.25, 0.75], rtol=1e-6
    )
