"""Mixtures of labels: values by hand, and where float32 is short of digits."""

import keras
import numpy as np

from mimo_keras.layers import BernoulliMixture

WEIGHTS = np.array([0.75, 0.25], "float32")


def predictions(logits):
    found = BernoulliMixture().predictions(logits, WEIGHTS)
    return {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}


def entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


def test_labels_by_hand():
    """3/4 · 1/4 + 1/4 · 1/2 = 5/16, and 3/4 · 1/2 + 1/4 · 3/4 = 9/16."""
    members = np.array([[[0.25, 0.5], [0.5, 0.75]]])
    logits = np.log(members / (1 - members)).astype("float32")
    found = predictions(logits)
    mixture = np.array([[5 / 16, 9 / 16]])
    within = np.einsum("e,bek->bk", WEIGHTS, entropy(members))
    wanted = {
        "probabilities": mixture,
        "member_probabilities": members,
        "entropy": entropy(mixture),
        "mutual_information": entropy(mixture) - within,
    }
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-7)


def test_sure_members_have_no_entropy_and_agree():
    found = predictions(np.full((1, 2, 1), 200.0, "float32"))
    assert found["entropy"].tolist() == [[0.0]]
    assert found["mutual_information"].tolist() == [[0.0]]


def test_small_probabilities_of_0_count():
    found = predictions(np.full((1, 2, 1), 20.0, "float32"))
    small = np.exp(-20.0)
    np.testing.assert_allclose(found["entropy"], [[small * 21]], rtol=0.1)
