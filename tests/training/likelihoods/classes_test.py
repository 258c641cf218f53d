"""Likelihoods of classes against NumPy twins and by hand."""

import keras
import numpy as np

from mimo_keras.training.likelihoods import Categorical
from tests.training import networks, twins
from tests.training.likelihoods.cases import LABELS, LOGS, WEIGHTS, outputs


def test_members_of_classes_are_judged_by_cross_entropy():
    logits = outputs(3)
    np.testing.assert_allclose(
        Categorical(3).member_loss(LABELS, logits),
        twins.cross_entropy(LABELS, logits),
        rtol=1e-5,
    )


def test_a_mixture_of_classes_is_judged_by_its_nll():
    logits = outputs(3, seed=1)
    np.testing.assert_allclose(
        Categorical(3).mixture_score(LABELS[:, 0], logits, LOGS),
        twins.mixture_nll(LABELS[:, 0], logits, WEIGHTS),
        rtol=1e-5,
    )


def test_classes_by_hand():
    """Of 1/4 and 3/4 for the label: -log 1/4, -log 3/4, -log 3/8."""
    logits = np.log([[[0.25, 0.75], [0.75, 0.25]]]).astype("float32")
    found = Categorical(2).member_loss(np.array([[0, 0]]), logits)
    np.testing.assert_allclose(found, [[np.log(4), np.log(4 / 3)]], rtol=1e-5)
    mixture = Categorical(2).mixture_score(np.array([0]), logits, LOGS)
    np.testing.assert_allclose(mixture, [np.log(8 / 3)], rtol=1e-5)


def test_every_form_of_labels_trains_members_alike():
    """Each member gathers the labels of its own images, of any form."""
    examples = networks.examples(6)
    labels, found = examples.labels, []
    for given in (
        labels,
        labels.astype("int8"),
        labels.astype("uint64")[:, None],
        labels.astype("float64"),
        np.eye(3, dtype="int32")[labels],
        np.eye(3, dtype="float16")[labels],
    ):
        model = networks.create("mimo", 2, batch_repetitions=2)
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        history = model.fit(
            *(examples.images, given),
            class_weight={0: 3.0, 2: 0.5},
            epochs=2,
            shuffle=False,
            verbose=0,
        )
        found.append([history.history[x] for x in ("loss", "nll", "accuracy")])
    np.testing.assert_allclose(found, [found[0]] * len(found), rtol=1e-5)
