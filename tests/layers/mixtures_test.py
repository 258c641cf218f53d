"""The values of each mixture by hand; see also MixturePrediction."""

import json

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import CategoricalMixture, MeanMixture, mixtures

WEIGHTS = np.array([0.75, 0.25], "float32")
THIRDS = np.log([[[1.0, 3.0], [1.0, 1.0]]]).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_logits_are_made_probabilities_and_these_averaged():
    """3/4 · 1/4 + 1/4 · 1/2 = 5/16."""
    kind = CategoricalMixture()
    np.testing.assert_allclose(
        array(kind.activated(THIRDS)), [[[0.25, 0.75], [0.5, 0.5]]], rtol=1e-6
    )
    np.testing.assert_allclose(
        array(kind.mixed(THIRDS, WEIGHTS)), [[5 / 16, 11 / 16]], rtol=1e-6
    )


def test_means_are_averaged_as_they_are():
    kind, means = MeanMixture(), np.array([[[4.0, 1.0], [0.0, 5.0]]], "float32")
    assert array(kind.activated(means)).tolist() == means.tolist()
    assert array(kind.mixed(means, WEIGHTS)).tolist() == [[3.0, 2.0]]


@pytest.mark.parametrize("kind", [CategoricalMixture(), MeanMixture()])
def test_the_dictionary_begins_with_the_mixed_prediction(kind):
    found = kind.predictions(THIRDS, WEIGHTS)
    first = next(iter(found.values()))
    np.testing.assert_array_equal(
        array(first), array(kind.mixed(THIRDS, WEIGHTS))
    )


@pytest.mark.parametrize("kind", [CategoricalMixture(), MeanMixture()])
def test_keras_saves_it(kind):
    config = keras.saving.serialize_keras_object(kind)
    assert config["registered_name"] == f"mimo_keras>{type(kind).__name__}"
    text = json.dumps(config)
    assert keras.saving.deserialize_keras_object(json.loads(text)) == kind


def test_tasks_of_older_configs():
    assert mixtures.of_task("classification") == CategoricalMixture()
    assert mixtures.of_task("regression") == MeanMixture()
    with pytest.raises(InputError, match="task='ranking'"):
        mixtures.of_task("ranking")
