"""Scores of foreign images, by hand."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import CategoricalMixture
from mimo_keras.prediction import LogitDetector, detecting
from tests.prediction.examples import WEIGHTS, predicted

LOGITS = predicted(5)[0].astype("float32")


def found_by(score, threshold=None):
    stage = LogitDetector(score, WEIGHTS, threshold)
    outputs = CategoricalMixture().predictions(
        LOGITS, np.exp(WEIGHTS).astype("float32")
    )
    found = LogitDetector.from_config(stage.get_config())(outputs, LOGITS)
    return {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}


@pytest.mark.parametrize(
    ("score", "wanted"),
    [
        ("energy", -np.log(np.exp(LOGITS.astype("f8")).sum(axis=-1))),
        ("max_logit", -LOGITS.max(axis=-1)),
    ],
)
def test_scores_of_members_are_averaged(score, wanted):
    found = found_by(score)
    np.testing.assert_allclose(found["member_ood_scores"], wanted, rtol=1e-5)
    np.testing.assert_allclose(
        found["ood_score"], wanted @ np.exp(WEIGHTS), rtol=1e-5
    )
    assert "is_foreign" not in found


@pytest.mark.parametrize("score", ["entropy", "mutual_information"])
def test_scores_of_the_mixture(score):
    found = found_by(score)
    np.testing.assert_array_equal(found["ood_score"], found[score])
    assert "member_ood_scores" not in found
    least = 1 - found["probabilities"].max(axis=1)
    np.testing.assert_allclose(found_by("max_probability")["ood_score"], least)


def test_what_is_above_the_threshold_is_foreign():
    scores = found_by("energy")["ood_score"]
    found = found_by("energy", float(np.sort(scores)[2]))
    assert found["is_foreign"].sum() == 2
    assert set(detecting.SCORES) >= {"energy", "max_probability"}
    with pytest.raises(InputError, match="a score among energy, max_logit"):
        LogitDetector("distance", WEIGHTS)
